# Configurations that must be refused: `user` is a value of services.nix-post-build-hook-queue. The error must match `says`,
# an extended regular expression with the option and the remedy.
let
  base = {
    uploadTo = "ssh://cache.example.com";
  };
  with' = more: says: {
    user = base // more;
    inherit says;
  };
in
{
  nothing-to-do = {
    user = { };
    says = "set services.nix-post-build-hook-queue.uploadTo, .*signingPrivateKeyPath";
  };
  number-for-text = with' { uploadTo = 5; } "option .*uploadTo. is not of type";
  not-a-url = with' { uploadTo = "cache.example.com"; } "option .*uploadTo. is not of type .*://";
  two-in-one-string = with' { uploadTo = "ssh://a ssh://b"; } "option .*uploadTo. is not of type";
  misspelt-option = with' { uploadTO = "ssh://a"; } "option .*uploadTO. does not exist";
  key-as-path = with' { signingPrivateKeyPath = ./refused.nix; } "option .*signingPrivateKeyPath. .*not in the Nix store";
  key-in-store = with' {
    signingPrivateKeyPath = "${builtins.storeDir}/00000000000000000000000000000000-key";
  } "option .*signingPrivateKeyPath. .*not in the Nix store";
  ssh-key-in-store = with' {
    sshPrivateKeyPath = "${builtins.toFile "key" "secret"}";
  } "option .*sshPrivateKeyPath. .*not in the Nix store";
  ssh-key-without-ssh = with' {
    uploadTo = "file:///srv/cache";
    sshPrivateKeyPath = "/run/key";
  } "sshPrivateKeyPath is set.*add an ssh:// .*uploadTo, or remove";
  password-in-url = with' { uploadTo = "https://me:secret@cache.example.com"; } "uploadTo contains a password.*netrc";
  store-key-in-url = with' {
    uploadTo = "file:///srv/cache?secret-key=${builtins.storeDir}/x-key";
  } "uploadTo: secret-key=.*use .*signingPrivateKeyPath";
  same-twice = with' {
    uploadTo = [
      "ssh://a"
      "ssh://a"
    ];
  } "uploadTo names a destination twice: remove";
  name-in-upper-case = with' { destinations.Office.url = "ssh://b"; } "destinations: Office is not a destination's name: use a-z";
  name-of-the-signing-lane = with' { destinations.sign.url = "ssh://b"; } "destinations: sign is not a destination's name.*signs";
  name-without-url = with' { destinations.office.parallel = 2; } "option .*destinations.office.url. is used but not defined|destinations.office.url. was accessed but has no value";
  name-for-not-a-url = with' { destinations.office.url = "office"; } "option .*destinations.office.url. is not of type .*://";
  name-with-no-process = with' {
    destinations.office = {
      url = "ssh://b";
      parallel = 0;
    };
  } "option .*destinations.office.parallel. .*between 1 and 16";
  named-and-unnamed = with' { destinations.office.url = "ssh://cache.example.com"; } "uploadTo,destinations. names a destination twice: remove";
  named-relative-file = with' { destinations.disk.url = "file://srv/cache"; } "uploadTo,destinations.: file://srv/cache .*write file:///DIR";
  relative-file = with' { uploadTo = "file://srv/cache"; } "uploadTo: file://srv/cache .*write file:///DIR";
  file-in-home = with' { uploadTo = "file:///home/me/cache"; } "uploadTo: /home/me/cache .*Choose a directory";
  file-in-tmp = with' { uploadTo = "/tmp/cache"; } "uploadTo: /tmp/cache .*Choose a directory";
  metrics-in-home = with' { metricsFile = "/root/x.prom"; } "metricsFile: /root/x.prom .*Choose";
  state-in-run = with' { stateDir = "/run/queue"; } "stateDir: .*reboot.*/var/lib";
  state-without-end = with' { stateDir = "/srv/queue/"; } "stateDir: /srv/queue/ .*normal form.*Choose";
  state-of-everybody = with' { stateDir = "/srv"; } "stateDir: /srv contains other files.*Choose";
  state-of-all-services = with' { stateDir = "/var/lib"; } "stateDir: /var/lib contains other files.*Choose";
  state-of-nix = with' { stateDir = "/nix/var/nix"; } "stateDir: /nix/var/nix contains other files.*Choose";
  roots-themselves = with' { gcrootsDir = "/nix/var/nix/gcroots"; } "gcrootsDir: .*only below .*choose";
  roots-themselves-again = with' { gcrootsDir = "/nix/var/nix/gcroots/"; } "gcrootsDir: .*normal form.*Choose";
  roots-of-nix = with' { gcrootsDir = "/nix/var/nix/gcroots/auto"; } "gcrootsDir: .*other programs.*Choose";
  roots-of-users = with' { gcrootsDir = "/nix/var/nix/gcroots/per-user/me"; } "gcrootsDir: .*other programs.*Choose";
  roots-of-profiles = with' { gcrootsDir = "/nix/var/nix/gcroots/profiles"; } "gcrootsDir: .*other programs.*Choose";
  roots-above = with' { gcrootsDir = "/nix/var/nix/gcroots/../../x"; } "gcrootsDir: .*normal form.*Choose";
  roots-with-blank = with' { gcrootsDir = "/nix/var/nix/gcroots/a b"; } "gcrootsDir: .*quote.*Choose";
  roots-with-specifier = with' { gcrootsDir = "/nix/var/nix/gcroots/%n"; } "gcrootsDir: .*quote.*Choose";
  roots-elsewhere = with' { gcrootsDir = "/var/lib/roots"; } "gcrootsDir: .*below /nix/var/nix/gcroots";
  long-socket = with' {
    socketPath = "/run/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901";
  } "socketPath: .*at most 107 characters; choose";
  socket-with-comma = with' { socketPath = "/run/a,b.sock"; } "socketPath: .*comma.*choose";
  socket-with-marks = with' { socketPath = "/run/a!!b.sock"; } "socketPath: .*!!.*choose";
  program-in-home = with' { uploadTo = "exec:/home/me/announce"; } "uploadTo: /home/me/announce .*ProtectHome.*Choose";
  program-in-state = with' {
    uploadTo = "exec:/var/lib/nix-post-build-hook-queue/x";
  } "uploadTo: /var/lib/.*/x .*NoExecPaths.*Choose";
  setting-as-variable = with' {
    extraEnvironment.NPBHQ_BATCH_SIZE = 5;
  } "extraEnvironment sets NPBHQ_BATCH_SIZE: use the option";
  secret-as-variable = with' {
    extraEnvironment.AWS_SECRET_ACCESS_KEY = "x";
  } "extraEnvironment sets AWS_SECRET_ACCESS_KEY.*put it into /etc";
  home-as-variable = with' { extraEnvironment.HOME = "/"; } "extraEnvironment sets HOME.*use";
  as-root = with' { user = "root"; } "user: .*name a user without privileges";
  as-nobody = with' { user = "nobody"; } "user: .*look like nobody.*name a separate user";
  ssh-key-never-uploaded = {
    user = {
      uploadTo = [ ];
      signingPrivateKeyPath = "/run/key";
      sshPrivateKeyPath = "/run/ssh";
    };
    says = "sshPrivateKeyPath is set.*add an ssh:// .*uploadTo, or remove";
  };
  batch-of-none = with' { batchSize = 0; } "option .*batchSize. .*between 1 and 10000";
  odd-duration = with' { idleTimeout = "5 minutes"; } "option .*idleTimeout. .*ms.s.min.h.d";
  odd-level = with' { logLevel = "loud"; } "option .*logLevel. .*one of .*debug";
  ssh-option-with-blank = with' { sshOptions = [ "Port 22" ]; } "option .*sshOptions. is not of type";
  without-nix = {
    user = base;
    machine.nix.enable = false;
    says = "set nix.enable = true";
  };
}
