#!/bin/sh
# docs/operating.md: the alert by mail

# shellcheck disable=SC2016 # what is quoted is for the shell in the machine
# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"
# shellcheck source=src/test/system/quick-start.sh
. "$NPBHQ_TEST_DIR/quick-start.sh"

units=/etc/systemd/system
# unit FILE: as the page has it.
unit() {
    root mkdir -p "$(dirname "$units/$1")"
    block docs/operating.md 'An alert by mail' "\`$units/$1" | root tee "$units/$1" >/dev/null
}
# A sendmail that takes the recipients from the message alone, and refuses one without them.
root tee /usr/sbin/sendmail >/dev/null <<'END'
#!/bin/sh
[ "$*" = -t ] || exit 64
mail=$(mktemp /srv/mail.XXXXXX)
cat >"$mail"
sed '/^$/q' "$mail" | grep -q '^To: root$' || exit 65
mv "$mail" "$mail.sent"
END
root chmod 755 /usr/sbin/sendmail
mails() { root sh -c 'cat /srv/mail.*.sent'; }
mailed() { mails | grep -F "$1"; }
forget_mails() { root sh -c 'rm -f /srv/mail.*'; }
limited() { [ "$(root systemctl show -P Result "mail-status@$name-problems.service.service")" = start-limit-hit ]; }

unit mail-status@.service
unit $name.service.d/mail.conf
unit $name-problems.service
unit $name-problems.timer
# PATH has the client of /usr/local/bin here.
check "systemd finds nothing wrong with the units" root sh -c \
    'out=$(systemd-analyze verify --man=no "mail-status@$1.service" "$1-problems.service" "$1-problems.timer" "$1.service" 2>&1)
    echo "$out"; [ -z "$out" ]' - $name
follows "the commands" root "$(block docs/operating.md 'An alert by mail' 'Then:')"
check "the timer waits" root systemctl is-active $name-problems.timer

build fine 1
until_ok 30 "a path is delivered" delivered
check "no problem is found" root systemctl start $name-problems.service
check "and nothing is mailed" not mails

destination_down
build late 3
until_ok 60 "the destination is down" sh -c 'nsenter -t "$1" -a -- /usr/local/bin/nix-post-build-hook-queue status | grep -q "is down since"' - "$pid"
check "the problem is found" not root systemctl start $name-problems.service
until_ok 10 "and mailed, with the unit" mailed "Subject: $name-problems.service on "
check "and with what status says" mailed 'Connection refused'
forget_mails
root systemctl start $name-problems.service
until_ok 10 "a second time within the hour systemd starts no mail" limited
check "and none is sent" not mails
destination_up
client retry >/dev/null
until_ok 30 "the paths are delivered" delivered
check "then no problem is found" root systemctl start $name-problems.service

forget_mails
settings NPBHQ_UPLOAD_TO=htp://nowhere
root systemctl restart $name.service
until_ok 60 "wrong settings are mailed" mailed "Subject: $name.service on "
check "with the mistake" mailed htp://nowhere
