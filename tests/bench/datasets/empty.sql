-- Nothing but tables: psql -v scale=1 makes 100,000, none of which has a row.
\set ON_ERROR_STOP on
\if :{?scale}
\else
\set scale 1
\endif
SET synchronous_commit = off;
SELECT format('CREATE SCHEMA s%s', n) FROM generate_series(0, 99) n \gexec
SELECT string_agg(format('CREATE TABLE s%s.t%s (id bigint, note text)', n % 100, n), ';' ORDER BY n)
FROM generate_series(1, (100000 * :scale)::int) n GROUP BY n / 1000 \gexec
ANALYZE;
