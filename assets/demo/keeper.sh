# Keeps one throw-away PostgreSQL cluster: does what it is told on standard input, one order a line, answers with the
# exit status, and removes server and directory when howdah closes the pipe or dies, be it by kill -9.
# $1: the directory of the server programs; $2: the cluster's directory. Orders are served one after the other, so the
# end of input is never seen while a server is half started.
trap '' HUP INT TERM PIPE
cd "${2:?}" || exit 1
while read -r order mode; do
  case $order in
    initdb) "$1/initdb" -D "$2/data" -U postgres -A scram-sha-256 --pwfile="$2/password" -E UTF8 --locale=C --no-sync ;;
    start) "$1/pg_ctl" -D "$2/data" -l "$2/log" -w -t 60 start ;;
    stop) "$1/pg_ctl" -D "$2/data" -m "$mode" -w -t 60 stop ;;
    *) false ;;
  esac >output 2>&1 </dev/null
  echo $?
done
"$1/pg_ctl" -D "$2/data" -m immediate -w stop >/dev/null 2>&1 </dev/null
cd / && rm -rf "$2"
