-- Very many small tables: psql -v scale=1 makes 20,000 of ten rows, each with three indexes and a sequence.
\set ON_ERROR_STOP on
\if :{?scale}
\else
\set scale 1
\endif
SET synchronous_commit = off;
SELECT format('CREATE SCHEMA s%s', n) FROM generate_series(0, 99) n \gexec
SELECT format($$CREATE TABLE s%1$s.t%2$s (id serial PRIMARY KEY, code text NOT NULL UNIQUE, at timestamptz NOT NULL);
  CREATE INDEX ON s%1$s.t%2$s (at);
  INSERT INTO s%1$s.t%2$s (code, at) SELECT 'code ' || i, timestamptz '2026-01-01 00:00+00' + i * interval '1 min' FROM generate_series(1, 10) i$$,
  n % 100, n)
FROM generate_series(1, (20000 * :scale)::int) n \gexec
ANALYZE;
