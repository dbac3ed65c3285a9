-- Narrow integer tables in the shape of pgbench. psql -v scale=40 makes 4 million accounts.
\set ON_ERROR_STOP on
\if :{?scale}
\else
\set scale 40
\endif
SET synchronous_commit = off;
CREATE TABLE pgbench_branches (bid int NOT NULL, bbalance int, filler char(88)) WITH (fillfactor=100);
CREATE TABLE pgbench_tellers  (tid int NOT NULL, bid int, tbalance int, filler char(84)) WITH (fillfactor=100);
CREATE TABLE pgbench_accounts (aid int NOT NULL, bid int, abalance int, filler char(84)) WITH (fillfactor=100);
CREATE TABLE pgbench_history  (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
INSERT INTO pgbench_branches SELECT i, 0 FROM generate_series(1, :scale) i;
INSERT INTO pgbench_tellers SELECT i, (i-1)/10+1, 0 FROM generate_series(1, :scale*10) i;
INSERT INTO pgbench_accounts SELECT i, (i-1)/100000+1, 0, '' FROM generate_series(1, :scale*100000) i;
INSERT INTO pgbench_history
  SELECT 1+i%(:scale*10), 1+i%:scale, 1+(i::bigint*7919)%(:scale*100000), i%5000-2500,
         timestamp '2026-01-01' + i*interval '1 second'
  FROM generate_series(1, :scale*10000) i;
ALTER TABLE pgbench_branches ADD PRIMARY KEY (bid);
ALTER TABLE pgbench_tellers  ADD PRIMARY KEY (tid);
ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid);
ALTER TABLE pgbench_tellers  ADD FOREIGN KEY (bid) REFERENCES pgbench_branches;
ALTER TABLE pgbench_accounts ADD FOREIGN KEY (bid) REFERENCES pgbench_branches;
ALTER TABLE pgbench_history  ADD FOREIGN KEY (bid) REFERENCES pgbench_branches;
ALTER TABLE pgbench_history  ADD FOREIGN KEY (tid) REFERENCES pgbench_tellers;
ALTER TABLE pgbench_history  ADD FOREIGN KEY (aid) REFERENCES pgbench_accounts;
VACUUM (ANALYZE, FREEZE);
