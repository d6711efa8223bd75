# Rejects mistakes that the options' types cannot reject, during the evaluation; each message names a remedy.
{
  config,
  lib,
  npbhq,
  ...
}:
let
  cfg = config.services.nix-post-build-hook-queue;
  option = name: "services.nix-post-build-hook-queue.${name}";
  refuse = wrong: message: {
    assertion = !wrong;
    inherit message;
  };
  # Where a URL is.
  where = option (if cfg.destinations == { } then "uploadTo" else "{uploadTo,destinations}");
  below = dirs: path: lib.any (dir: path == dir || lib.hasPrefix "${dir}/" path) dirs;
  # Directories that are hidden from the hardened service, or replaced by private ones.
  hidden = [
    "/home"
    "/root"
    "/run/user"
    "/tmp"
    "/var/tmp"
    "/dev"
  ];
  # Without blanks, quotes and specifiers, and in normal form (no "//", "." or "..").
  isPlain =
    path:
    builtins.match "(/[A-Za-z0-9._+@=,-]+)+" path != null
    && !lib.any (part: part == "." || part == "..") (lib.splitString "/" path);
  # System directories with other content: the module would make the worker's user their owner.
  shared = [
    "/etc/nix"
    "/etc/nixos"
    "/etc/systemd"
    "/nix/persist"
    "/nix/var"
    "/nix/var/nix"
    "/usr/local"
  ]
  ++ map (dir: "/var/${dir}") [
    "cache"
    "db"
    "empty"
    "lib"
    "lib/nixos"
    "lib/private"
    "lib/systemd"
    "local"
    "log"
    "mail"
    "opt"
    "spool"
  ];
  isShared = dir: lib.elem dir shared || builtins.match "/[^/]*" dir != null;
  gcroots = "/nix/var/nix/gcroots";
  # Directories of Nix and NixOS in it.
  othersRoots = map (dir: "${gcroots}/${dir}") [
    "auto"
    "booted-system"
    "current-system"
    "per-user"
    "profiles"
  ];
  store = builtins.storeDir;
  unsafe =
    path:
    if !isPlain path then
      "contains characters that units and tmpfiles rules would have to quote, or is not in normal form (/DIR/DIR)"
    else if below hidden path then
      "is hidden from the service (ProtectHome=, PrivateTmp=)"
    else if below [ store "/nix/store" ] path then
      "is in the Nix store, which is read-only"
    else
      null;
  place =
    name: path: remedy:
    refuse (path != null && unsafe path != null) "${option name}: ${toString path} ${toString (unsafe path)}. ${remedy}";
  unseen = lib.filter (below hidden) npbhq.programs;
  unrunnable = lib.filter (below [ cfg.stateDir "/var/cache/nix-post-build-hook-queue" ]) npbhq.programs;
  withPassword = lib.filter (url: builtins.match "[^:]*://[^/@]*:[^/@]*@.*" url != null) npbhq.destinations;
  withStoreKey = lib.filter (url: lib.hasInfix "secret-key=${store}" url) npbhq.destinations;
  relative = lib.filter (url: lib.hasPrefix "file://" url && !lib.hasPrefix "file:///" url) npbhq.destinations;
  badNames = lib.filter (
    name: builtins.match "[a-z][a-z0-9_]{0,31}" name == null || name == "sign"
  ) (lib.attrNames cfg.destinations);
  own = lib.filter (lib.hasPrefix "NPBHQ_") (lib.attrNames cfg.extraEnvironment);
  secrets = lib.filter (n: builtins.match ".*(SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL).*" n != null) (
    lib.attrNames cfg.extraEnvironment
  );
  managed = lib.filter (
    n:
    lib.elem n [
      "HOME"
      "NIX_SSHOPTS"
      "PATH"
      "TMPDIR"
      "XDG_CACHE_HOME"
    ]
  ) (lib.attrNames cfg.extraEnvironment);
  nixVersion = lib.getVersion cfg.nixPackage;
  isLix = lib.hasPrefix "lix" (lib.getName cfg.nixPackage);
in
{
  config = lib.mkIf cfg.enable {
    assertions = [
      (refuse (!config.nix.enable)
        "${option "enable"} needs Nix on this machine: set nix.enable = true, or do not enable the queue."
      )
      (refuse (npbhq.destinations == [ ] && cfg.signingPrivateKeyPath == null)
        "There is nothing to do: set ${option "uploadTo"}, ${option "signingPrivateKeyPath"}, or both."
      )
      (refuse (cfg.sshPrivateKeyPath != null && !npbhq.maySsh)
        "${option "sshPrivateKeyPath"} is set, and no destination would use it: add an ssh:// or ssh-ng:// URL to ${option "uploadTo"}, or remove the key."
      )
      (refuse (lib.unique npbhq.destinations != npbhq.destinations)
        "${where} names a destination twice: remove one of them."
      )
      (refuse (badNames != [ ])
        "${option "destinations"}: ${toString badNames} is not a destination's name: use a-z, then a-z 0-9 _, at most 32, and not sign, which is the lane that signs."
      )
      (refuse (relative != [ ])
        "${where}: ${toString relative} is not an absolute path: write file:///DIR, with three slashes."
      )
      (refuse (withPassword != [ ])
        "${where} contains a password, which every user could read in the store: remove it, and use a netrc file, an SSH key, or variables in /etc/nix-post-build-hook-queue/environment."
      )
      (refuse (withStoreKey != [ ])
        "${where}: secret-key= names a key in the Nix store, where every user can read it: use ${option "signingPrivateKeyPath"} with a quoted path outside the store."
      )
      (refuse (own != [ ])
        "${option "extraEnvironment"} sets ${toString own}: use the option of that setting (NPBHQ_BATCH_SIZE is batchSize), so that it is checked."
      )
      (refuse (secrets != [ ])
        "${option "extraEnvironment"} sets ${toString secrets}, which every user could read in the store: put it into /etc/nix-post-build-hook-queue/environment (mode 0600)."
      )
      (refuse (managed != [ ])
        "${option "extraEnvironment"} sets ${toString managed}, which the service itself must set: use sshOptions, nixPackage or stateDir."
      )
      (refuse (cfg.user == "root")
        "${option "user"}: the worker runs programs that talk to the network; remove this line, or name a user without privileges."
      )
      (refuse (cfg.user == "nobody")
        "${option "user"}: in the service all other users look like nobody (PrivateUsers=), and the worker's user may drop all paths; name a separate user."
      )
      (refuse (builtins.stringLength cfg.socketPath > 107)
        "${option "socketPath"}: a socket's path has at most 107 characters; choose a shorter one."
      )
      (refuse (lib.hasInfix "," cfg.socketPath || lib.hasInfix "!!" cfg.socketPath)
        "${option "socketPath"}: socat, which connects to it, treats a comma and !! as separators; choose one such as /run/uploads.sock."
      )
      (refuse (unseen != [ ])
        "${where}: ${toString unseen} is hidden from the service (ProtectHome=, PrivateTmp=). Choose a place such as /usr/local/bin, or a program in the store (pkgs.writeShellScript)."
      )
      (refuse (unrunnable != [ ])
        "${where}: ${toString unrunnable} is in a directory that the service may write to, so it may not execute files there (NoExecPaths=). Choose a place such as /usr/local/bin, or a program in the store (pkgs.writeShellScript)."
      )
      (refuse (!lib.hasPrefix "${gcroots}/" cfg.gcrootsDir)
        "${option "gcrootsDir"}: Nix looks for roots only below ${gcroots}/; choose a directory there."
      )
      (refuse (below othersRoots cfg.gcrootsDir)
        "${option "gcrootsDir"}: ${cfg.gcrootsDir} contains other programs' roots. Choose a directory for the queue alone, ${gcroots}/NAME."
      )
      (refuse (below [ "/run" "/var/run" "/dev/shm" ] cfg.stateDir)
        "${option "stateDir"}: the files in ${cfg.stateDir} do not survive a reboot. Choose a directory below /var/lib."
      )
      (refuse (isShared cfg.stateDir)
        "${option "stateDir"}: ${cfg.stateDir} contains other files, and the worker's user would become their owner. Choose a directory for the queue alone, such as /var/lib/NAME."
      )
      (place "stateDir" cfg.stateDir "Choose a directory below /var/lib.")
      (place "gcrootsDir" cfg.gcrootsDir "Choose a directory for the queue alone, ${gcroots}/NAME.")
      (place "metricsFile" cfg.metricsFile "Choose the textfile collector's directory, for example below /var/lib.")
      (place "socketPath" cfg.socketPath "Choose one below /run.")
    ]
    ++ map (dir: place "uploadTo" (lib.removeSuffix "/" dir) "Choose a directory such as /srv/cache.") npbhq.directories;

    warnings =
      lib.optional (cfg.sshPrivateKeyPath != null && npbhq.isOpen)
        "${option "sshPrivateKeyPath"} is for ssh:// destinations that /etc/nix-post-build-hook-queue/environment may name, because ${option "uploadTo"} is not set. Set that, or remove the key."
      ++ lib.optional (cfg.substituteOnDestination && !npbhq.maySsh)
        "${option "substituteOnDestination"} changes nothing: only ssh:// and ssh-ng:// destinations can fetch paths themselves. Remove it."
      ++
        lib.optional (cfg.knownHosts != [ ] && !npbhq.maySsh)
          "${option "knownHosts"} changes nothing: there is no ssh:// or ssh-ng:// destination. Remove it."
      ++
        lib.optional (lib.any (o: lib.elem o [ "StrictHostKeyChecking=no" "StrictHostKeyChecking=off" ]) cfg.sshOptions)
          "${option "sshOptions"}: without StrictHostKeyChecking another machine can pose as the destination. Set ${option "knownHosts"} instead."
      ++
        lib.optional (cfg.signingPrivateKeyPath != null && !isLix && lib.versionOlder nixVersion "2.17")
          "${option "signingPrivateKeyPath"}: the daemon of Nix ${nixVersion} accepts signatures only from trusted users, and those have root's rights. Use Nix 2.17 or newer, or, if you accept that, add \"${cfg.user}\" to nix.settings.trusted-users."
    ;
  };
}
