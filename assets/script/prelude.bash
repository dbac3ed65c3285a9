[ "${BASH_VERSINFO[0]}" -ge 4 ] || { echo "This script needs bash 4 or newer." >&2; exit 2; }
set -euo pipefail
: "${HOWDAH_SOURCE:?is not set: a connection string of the source, as for psql}"
: "${HOWDAH_DESTINATION:?is not set: a connection string of the destination, as for psql}"
export PGAPPNAME='howdah script' PGTZ=UTC PGCLIENTENCODING=UTF8

# What the servers say may hold what a terminal acts upon, or a reader does not see: a question mark stands for it.
visible() {
    LC_ALL=C sed -e $'s/[\x01-\x09\x0b-\x1f\x7f]/?/g; s/\xc2[\x80-\x9f\xad]/?/g; s/\xd8\x9c/?/g' \
        -e $'s/\xe2\x80[\x8b-\x8f\xa8-\xae]/?/g; s/\xe2\x81[\xa0-\xaf]/?/g; s/\xef\xbb\xbf/?/g' \
        -e $'s/\xef\xbf[\xb9-\xbb]/?/g; s/\xf3\xa0[\x80\x81][\x80-\xbf]/?/g'
}
exec 2> >(visible >&2)

work=$(mktemp -d)
declare -A hears tells process
is_whole=no

finish() {
    local code=$?
    trap - EXIT
    for name in "${!process[@]}"; do kill "${process[$name]}" 2> "$work/unheard" || true; done
    if [ "$is_whole" = no ]; then
        if [ -s "$work/always.sql" ]; then destination -f "$work/always.sql" || true; fi
        echo "Stopped: not everything is copied. howdah resume continues, howdah clean removes what is left over." >&2
    fi
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# The client programs, each with its password from the environment, never among its arguments.
with_source_password() {
    if [ -n "${HOWDAH_SOURCE_PASSWORD-}" ]; then PGPASSWORD=$HOWDAH_SOURCE_PASSWORD "$@"; else "$@"; fi
}
with_destination_password() {
    if [ -n "${HOWDAH_DESTINATION_PASSWORD-}" ]; then PGPASSWORD=$HOWDAH_DESTINATION_PASSWORD "$@"; else "$@"; fi
}
source_now() { with_source_password psql -X -q -At -v ON_ERROR_STOP=1 -d "$HOWDAH_SOURCE" -f "$work/source.sql" "$@"; }
in_snapshot() {
    source_now -c 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY' -c "SET TRANSACTION SNAPSHOT '$snapshot'" "$@"
}
destination() {
    with_destination_password psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "$HOWDAH_DESTINATION" -f "$work/destination.sql" "$@"
}
maintenance() { with_destination_password psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "$HOWDAH_MAINTENANCE" "$@"; }
# Sees the source's password, by a variable of psql's, and says little about statements that have it.
pulling() {
    destination -v VERBOSITY=terse -v SHOW_CONTEXT=never -f "$work/password.sql" "$@"
}
printf '%s\n' '\set source_password `printf %s "${HOWDAH_SOURCE_PASSWORD-}"`' > "$work/password.sql"

# Sends standard input to a session that stays open; what it says comes to $answer.
say() { # SESSION PROGRAM
    if [ -z "${process[$1]-}" ]; then
        mkfifo "$work/$1.in" "$work/$1.out"
        "$2" -f - < "$work/$1.in" > "$work/$1.out" &
        process[$1]=$!
        exec {fd}> "$work/$1.in"
        hears[$1]=$fd
        exec {fd}< "$work/$1.out"
        tells[$1]=$fd
    fi
    { cat; printf '\n\\echo howdah: done\n'; } >&"${hears[$1]}"
    answer=
    local line
    while IFS= read -r line <&"${tells[$1]}"; do
        [ "$line" = 'howdah: done' ] && return 0
        answer=$line
    done
    return 1
}

hang_up() { # SESSION
    [ -n "${process[$1]-}" ] || return 0
    printf '\\q\n' >&"${hears[$1]}"
    local hears_on=${hears[$1]} tells_on=${tells[$1]}
    exec {hears_on}>&- {tells_on}<&-
    wait "${process[$1]}"
    unset "process[$1]" "hears[$1]" "tells[$1]"
}

# Runs a command on the destination; $refused is empty, or the SQLSTATE of what stopped it.
try() {
    refused=
    if "$@" -v VERBOSITY=verbose 2> "$work/errors"; then
        cat "$work/errors" >&2
        return 0
    fi
    refused=$(sed -nE 's/.*:  ([0-9A-Z]{5}): .*/\1/p' "$work/errors" | head -n 1)
    refused=${refused:-unknown}
}

give_up() { cat "$work/errors" >&2; exit 1; }
pass_over() { cat "$work/errors" >&2; echo "    skipped: nothing of yours is lost by it" >&2; }
note() { printf '    %s\n' "$1"; }

# Rows from the source into a COPY of the destination, by the files out.sql, before.sql, in.sql and after.sql. When the source breaks
# off, the destination must not take what came for all.
carry() { # FROM, the options of try
    local from=$1
    shift
    {
        if "$from" -f "$work/out.sql" < /dev/null; then
            : > "$work/verdict.sql"
        else
            echo "DO \$\$BEGIN RAISE EXCEPTION 'the source broke off'; END\$\$;" > "$work/verdict.sql"
        fi
    } | destination "$@" -f "$work/before.sql" -c "$(cat "$work/in.sql")" -f "$work/verdict.sql" -f "$work/after.sql"
}
