# The whole, on two NixOS machines: one builds, one is the cache, over SSH. For pkgs.testers.runNixOSTest.
#
# This has been evaluated, and its script parsed, where there is neither nixpkgs nor KVM. It has NOT been run: `nix flake
# check` on a NixOS machine is the first to do so. What ./run tests has been run.
{ module }:
{
  name = "nix-post-build-hook-queue";

  nodes = {
    cache =
      { pkgs, ... }:
      {
        nix.sshServe = {
          enable = true;
          write = true;
        };
        # So that unsigned paths are taken as well; the test looks at signatures itself.
        nix.settings.trusted-users = [ "nix-ssh" ];
        nix.settings.substituters = pkgs.lib.mkForce [ ];
        services.openssh = {
          enable = true;
          authorizedKeysFiles = [ "/var/authorized/%u" ];
        };
      };

    builder =
      { pkgs, ... }:
      {
        imports = [ module ];
        virtualisation.writableStore = true;
        virtualisation.memorySize = 2048;
        nix.settings = {
          substituters = pkgs.lib.mkForce [ ];
          experimental-features = [ "nix-command" ];
        };
        environment.systemPackages = [ pkgs.openssh ];
        services.nix-post-build-hook-queue = {
          enable = true;
          # Made by the test, as secrets are by sops-nix: the worker fails until they are there.
          signingPrivateKeyPath = "/var/keys/signing";
          sshPrivateKeyPath = "/var/keys/ssh";
          uploadTo = "ssh://nix-ssh@cache";
          idleTimeout = "3s";
          # The cache's key is made when it boots.
          sshOptions = [ "StrictHostKeyChecking=accept-new" ];
        };
        specialisation.other.configuration.services.nix-post-build-hook-queue.batchSize = 50;
      };
  };

  testScript = ''
    import time

    unit = "nix-post-build-hook-queue.service"

    def build(name: str) -> str:
        return builder.succeed(
            "nix-build --no-out-link --option substitute false -E 'derivation {"
            f' name = "{name}"; builder = "/bin/sh"; args = ["-c" "echo {name} > $out"];'
            " system = builtins.currentSystem; }'"
        ).strip().splitlines()[-1]

    start_all()
    cache.wait_for_unit("sshd.service")
    builder.wait_for_unit("nix-post-build-hook-queue.socket")
    builder.succeed("install -d -m 700 /var/keys")
    builder.succeed("nix-store --generate-binary-cache-key builder-1 /var/keys/signing /var/keys/signing.pub")
    builder.succeed('ssh-keygen -q -t ed25519 -N "" -f /var/keys/ssh')
    public = builder.succeed("cat /var/keys/ssh.pub").strip()
    cache.succeed(f"install -d /var/authorized && echo '{public}' > /var/authorized/nix-ssh")
    builder.systemctl(f"reset-failed {unit}")

    with subtest("what is built is uploaded"):
        for name in ("a", "b"):
            path = build(name)
            builder.succeed(f"nix-post-build-hook-queue wait timeout=60s {path}")
            cache.succeed(f"nix-store --check-validity {path}")

    with subtest("and signed"):
        trusted = builder.succeed("cat /var/keys/signing.pub").strip()
        cache.succeed(f"nix store verify --sigs-needed 1 --trusted-public-keys '{trusted}' {path} --extra-experimental-features nix-command")

    with subtest("the worker ends when there is nothing to do"):
        builder.wait_until_fails(f"systemctl is-active {unit}", timeout=60)
        builder.fail(f"systemctl is-failed {unit}")

    with subtest("a cache that is away blames no path, and gets all when it is back"):
        cache.systemctl("stop sshd.service sshd.socket")
        started = time.monotonic()
        paths = [build(f"away-{n}") for n in range(5)]
        assert time.monotonic() - started < 60, "the hook holds builds"
        builder.succeed("nix-post-build-hook-queue status")
        cache.systemctl("start sshd.service")
        builder.succeed("nix-post-build-hook-queue retry")
        builder.succeed("nix-post-build-hook-queue wait timeout=120s")
        for path in paths:
            cache.succeed(f"nix-store --check-validity {path}")

    with subtest("a full queue outlives a reboot, and its paths a garbage collection"):
        cache.systemctl("stop sshd.service sshd.socket")
        paths = [build(f"reboot-{n}") for n in range(5)]
        builder.succeed("nix-collect-garbage")
        builder.succeed("sync")
        builder.crash()
        builder.start()
        cache.systemctl("start sshd.service")
        builder.wait_for_unit("multi-user.target")
        builder.succeed("nix-post-build-hook-queue retry")
        builder.succeed("nix-post-build-hook-queue wait timeout=120s")
        for path in paths:
            cache.succeed(f"nix-store --check-validity {path}")

    with subtest("wrong settings are named, hold no build, and lose no path"):
        builder.succeed("mkdir -p /etc/nix-post-build-hook-queue")
        builder.succeed("echo NPBHQ_BATCH_SIZE=many > /etc/nix-post-build-hook-queue/environment")
        builder.wait_until_fails(f"systemctl is-active {unit}", timeout=60)
        path = build("wrong")
        builder.wait_until_succeeds(f"journalctl -u {unit} --grep 'NPBHQ_BATCH_SIZE.*many'", timeout=60)
        builder.succeed("rm /etc/nix-post-build-hook-queue/environment")
        builder.systemctl(f"restart {unit}")
        builder.succeed("nix-post-build-hook-queue wait timeout=120s")
        cache.succeed(f"nix-store --check-validity {path}")

    with subtest("switching to another configuration keeps the socket"):
        before = builder.succeed("stat -c %i /run/nix-post-build-hook-queue.sock")
        builder.succeed("/run/current-system/specialisation/other/bin/switch-to-configuration test")
        assert before == builder.succeed("stat -c %i /run/nix-post-build-hook-queue.sock")
  '';
}
