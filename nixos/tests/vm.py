# The script of the VM test (vm.nix), for the driver of NixOS' tests. driver.py has the same names for two booted
# Debian roots, and so runs it where there is no NixOS.
import time

unit = "nix-post-build-hook-queue.service"
socket = "/run/nix-post-build-hook-queue.sock"
queue = "nix-post-build-hook-queue"


def build(name: str) -> str:
    return builder.succeed(
        "nix-build --no-out-link --option substitute false -E 'derivation {"
        f' name = "{name}"; builder = "/bin/sh"; args = ["-c" "echo {name} > $out"];'
        " system = builtins.currentSystem; }'"
    ).strip().splitlines()[-1]


def arrives(path: str) -> None:
    builder.succeed(f"{queue} wait timeout=120s {path}")
    cache.succeed(f"nix-store --check-validity {path}")


# The second destination's copy of a path.
def second(path: str) -> str:
    return "/var/cache/second/" + path.split("/")[-1].split("-")[0] + ".narinfo"


def switch(configuration: str) -> None:
    builder.succeed(f"{configuration}/bin/switch-to-configuration test")


start_all()
cache.wait_for_unit("sshd.service")
builder.wait_for_unit("nix-post-build-hook-queue.socket")
# Other configurations are switched to from here.
system = builder.succeed("readlink -f /run/current-system").strip()
builder.succeed("install -d -m 700 /var/keys")
builder.succeed("nix-store --generate-binary-cache-key builder-1 /var/keys/signing /var/keys/signing.pub")
builder.succeed('ssh-keygen -q -t ed25519 -N "" -f /var/keys/ssh')
public = builder.succeed("cat /var/keys/ssh.pub").strip()
trusted = builder.succeed("cat /var/keys/signing.pub").strip()
cache.succeed(f"install -d /var/authorized && echo '{public}' > /var/authorized/nix-ssh")
builder.systemctl(f"reset-failed {unit}")

with subtest("what is built is uploaded"):
    for name in ("a", "b"):
        path = build(name)
        arrives(path)

with subtest("and signed"):
    cache.succeed(
        f"nix store verify --sigs-needed 1 --trusted-public-keys '{trusted}' {path}"
        " --extra-experimental-features nix-command"
    )

with subtest("to every destination"):
    builder.succeed(f"grep '^Sig: builder-1:' {second(path)}")

with subtest("the worker ends when there is nothing to do"):
    builder.wait_until_fails(f"systemctl is-active {unit}", timeout=60)
    builder.fail(f"systemctl is-failed {unit}")

with subtest("a cache that is away blames no path, holds no build, and gets all when it is back"):
    cache.systemctl("stop sshd.service sshd.socket")
    started = time.monotonic()
    paths = [build(f"away-{n}") for n in range(5)]
    assert time.monotonic() - started < 60, "the hook holds builds"
    builder.wait_until_succeeds(f"{queue} status | grep 'down since'", timeout=120)
    with subtest("the other destination goes on meanwhile"):
        for path in paths:
            builder.wait_until_succeeds(f"test -e {second(path)}", timeout=60)
    with subtest("a queued path cannot be deleted"):
        builder.fail(f"nix-store --delete {paths[0]}")
    cache.systemctl("start sshd.service")
    builder.succeed(f"{queue} retry")
    for path in paths:
        arrives(path)
    builder.fail(f"{queue} failed | grep /nix/store")
    with subtest("a delivered one can"):
        builder.wait_until_succeeds(f"nix-store --delete {paths[0]}", timeout=60)

with subtest("a full queue outlives a power cut"):
    cache.systemctl("stop sshd.service sshd.socket")
    paths = [build(f"reboot-{n}") for n in range(5)]
    builder.succeed("sync")
    builder.crash()
    builder.start()
    cache.systemctl("start sshd.service")
    builder.wait_for_unit("multi-user.target")
    builder.succeed(f"{queue} retry")
    for path in paths:
        arrives(path)

with subtest("wrong settings are named, hold no build, and lose no path"):
    builder.succeed("mkdir -p /etc/nix-post-build-hook-queue")
    builder.succeed("echo NPBHQ_BATCH_SIZE=many > /etc/nix-post-build-hook-queue/environment")
    builder.wait_until_fails(f"systemctl is-active {unit}", timeout=60)
    path = build("wrong")
    builder.wait_until_succeeds(f"journalctl -u {unit} --grep 'NPBHQ_BATCH_SIZE.*many'", timeout=60)
    builder.succeed("rm /etc/nix-post-build-hook-queue/environment")
    builder.systemctl(f"restart {unit}")
    arrives(path)

with subtest("a switch to another configuration keeps the socket"):
    before = builder.succeed(f"stat -c %i {socket}")
    switch(f"{system}/specialisation/other")
    assert before == builder.succeed(f"stat -c %i {socket}"), "the socket is another one"
    builder.succeed(f"systemctl show -P Environment {unit} | grep NPBHQ_BATCH_SIZE=50")
    arrives(build("switched"))

with subtest("a switch from the original, with its datagram socket, needs no command and no reboot"):
    switch(f"{system}/specialisation/original")
    builder.succeed("systemctl restart nix-post-build-hook-queue.socket")
    builder.succeed(f"echo /nix/store/x | socat -u - UNIX-SENDTO:{socket}")
    switch(system)
    arrives(build("migrated"))
