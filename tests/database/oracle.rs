//! The oracle must be able to say no: each kind of difference, seeded, is found.

use crate::support;

const BASE: &str = "
create schema s;
create table s.t (a int primary key, b text default 'x', c float8);
insert into s.t select i, 'row ' || i, i / 3.0 from generate_series(1, 100) i;
insert into s.t values (101, null, 'NaN');
create table s.twice (a int);
insert into s.twice values (1), (1);
create table s.nothing ();
insert into s.nothing default values;
create sequence s.counter;
create type s.mood as enum ('sad', 'happy');
create function s.f() returns int language sql as 'select 1';
create view s.v as select a from s.t;
create materialized view s.m as select count(*) from s.t;
select lo_from_bytea(70001, 'elephant');
comment on table s.t is 'a table'";

/// A change of the destination and the object that must be named for it.
const CHANGES: [(&str, &str); 22] = [
    ("update s.t set b = 'other' where a = 7", "rows s.t"),
    (
        "update s.t set c = 0.3333333333333334 where a = 1",
        "rows s.t",
    ),
    ("update s.t set b = '' where a = 101", "rows s.t"),
    ("delete from s.twice", "rows s.twice"),
    ("insert into s.nothing default values", "rows s.nothing"),
    ("select nextval('s.counter')", "sequence s.counter"),
    ("alter table s.t alter b drop default", "column s.t.b"),
    ("grant select (b) on s.t to public", "column s.t.b"),
    (
        "create operator s.=== (leftarg = int, rightarg = int, function = int4eq)",
        "object operator s.===(integer,integer)",
    ),
    (
        "alter default privileges grant select on tables to public",
        "default privileges postgres r",
    ),
    (
        "grant select on large object 70001 to public",
        "large object 70001",
    ),
    (
        "alter table s.t add check (a > 0)",
        "constraint s.t.t_a_check",
    ),
    ("create index late on s.t (b)", "index s.late"),
    (
        "alter type s.mood add value 'calm' before 'happy'",
        "type s.mood",
    ),
    (
        "create or replace function s.f() returns int language sql as 'select 2'",
        "function s.f()",
    ),
    (
        "create or replace view s.v as select a from s.t where a > 1",
        "view s.v",
    ),
    ("refresh materialized view s.m with no data", "rows s.m"),
    ("select lo_put(70001, 0, 'E')", "large object 70001"),
    ("comment on table s.t is null", "comment table s.t"),
    ("create schema howdah_src", "schema howdah_src"),
    (
        "create extension postgres_fdw; create server old foreign data wrapper postgres_fdw",
        "foreign server old",
    ),
    (
        "create user mapping for postgres server old",
        "user mapping old for postgres",
    ),
];

#[tokio::test]
async fn every_seeded_difference_is_found() {
    let pair = support::databases("oracle").await;
    for side in [&pair.source, &pair.destination] {
        support::execute_batch(side, BASE).await;
    }
    let mut known = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(known, Vec::<String>::new());
    for (change, object) in CHANGES {
        support::execute_batch(&pair.destination, change).await;
        let found = support::differences(&pair.source, &pair.destination).await;
        let fresh: Vec<_> = found.iter().filter(|line| !known.contains(line)).collect();
        assert!(
            fresh
                .iter()
                .any(|line| line.starts_with(&format!("{object}:"))),
            "{change}: {object} is not among {fresh:#?}"
        );
        known = found;
    }
}
