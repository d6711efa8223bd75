#!/bin/sh
# mail-server.sh FILE: one SMTP session on standard input and output; appends the mail to FILE.
set -u

end=$(printf '\r')
answer() { printf '%s\r\n' "$1"; }

answer '220 localhost'
while IFS= read -r line; do
    case ${line%"$end"} in
        DATA)
            answer '354 go on'
            while IFS= read -r line && [ "${line%"$end"}" != . ]; do printf '%s\n' "${line%"$end"}"; done >>"$1"
            answer '250 taken'
            ;;
        QUIT)
            answer '221 bye'
            exit
            ;;
        *) answer '250 yes' ;;
    esac
done
