//! What is done otherwise for tables that are large: keys made from indexes that were built beside others.

use crate::migrate::{howdah, said};
use crate::support;

/// Keys of every kind on tables whose indexes are worth a second step: some 20 MB each.
const KEYS: &str = "
    create table plain (id text collate \"C\" constraint \"the PRIMARY key\" primary key with (fillfactor = 80), a text, b int);
    alter table plain add constraint deferred unique (a) include (b) deferrable initially deferred,
        add constraint no_two_nulls unique nulls not distinct (b), replica identity using index \"the PRIMARY key\";
    create index on plain (b, a);
    alter table plain cluster on deferred;
    create table parts (id text, at int not null, primary key (id, at)) partition by range (at);
    create table parts_1 partition of parts for values from (0) to (5000);
    create table parts_2 partition of parts for values from (5000) to (90000);
    create index on parts (at, id);
    insert into plain select repeat(md5(g::text), 7) || sha512(g::text::bytea)::text, sha512(g::text::bytea)::text, nullif(g, 7)
      from generate_series(1, 30000) g;
    insert into parts select a || id, b from plain where b is not null;
    create table refers (id text references plain deferrable, part text, at int, foreign key (part, at) references parts);
    insert into refers select p.id, q.id, q.at from plain p join parts q on q.at = p.b where p.b % 100 = 0;
    comment on constraint deferred on plain is 'checked at the end';
    comment on index \"the PRIMARY key\" is 'a key';";

#[tokio::test]
async fn a_key_that_takes_its_index_over_is_the_same_key() {
    let pair = support::databases("keys").await;
    support::execute_batch(&pair.source, KEYS).await;
    let plan = said(&howdah("plan", &pair, &[]));
    for name in [
        r#"PRIMARY KEY USING INDEX "the PRIMARY key""#,
        "UNIQUE USING INDEX deferred DEFERRABLE INITIALLY DEFERRED",
        "UNIQUE USING INDEX no_two_nulls;",
        "PRIMARY KEY USING INDEX parts_2_pkey",
    ] {
        assert!(plan.contains(name), "{name} is not in:\n{plan}");
    }
    // Frozen as they come, where that is worth a TRUNCATE.
    assert!(plan.contains("TRUNCATE ONLY public.plain;"), "{plan}");
    assert!(!plan.contains("TRUNCATE ONLY public.refers;"), "{plan}");
    for method in ["copy", "fdw"] {
        let pair = support::further_destination(&pair).await;
        let run = howdah("run", &pair, &["--yes", "--method", method, "--jobs", "3"]);
        assert_eq!(run.status.code(), Some(0), "{}", said(&run));
        let found = support::differences(&pair.source, &pair.destination).await;
        assert_eq!(found, Vec::<String>::new(), "{}", said(&run));
        let frozen = "select relallvisible > 0 from pg_class where oid = 'plain'::regclass";
        let frozen = support::query_text(&pair.destination, frozen).await;
        assert_eq!(frozen == "t", method == "copy", "{method}: {frozen}");
    }
}

/// Rows in the order of their key, on some hundred pages, with values out of line, a generated column, and one that is computed
/// by the destination alone.
const PAGES: &str = "
    create table pages (id int primary key, long text, gone int, twice int generated always as (id * 2) stored);
    alter table pages drop column gone;
    alter table pages alter long set storage external;
    insert into pages select g, case when g % 500 = 0 then repeat(md5(g::text), 500) else repeat(md5(g::text), 6) end
      from generate_series(1, 20000) g;
    delete from pages where id % 7 = 0;
    update pages set long = 'moved to the end' where id % 1000 = 1;
    create table refers (id int references pages);
    insert into refers select id from pages where id % 50 = 3;
    create table small (id int primary key);
    create function sum_or_fail() returns bigint language plpgsql as $$ begin
        if current_setting('app.broken', true) = 'on' then raise 'broken'; end if;
        return 7; end $$;
    create materialized view totals as select public.sum_or_fail() as total;";

const SPLIT: [&str; 5] = ["--yes", "--split-larger-than", "1MB", "--jobs", "3"];

#[tokio::test]
async fn a_table_in_parts_is_whole_afterwards() {
    let first = support::databases("parts").await;
    support::execute_batch(&first.source, PAGES).await;
    let plan = said(&howdah("plan", &first, &SPLIT[1..]));
    assert!(
        plan.contains("Copy the rows of public.pages, part 2 of"),
        "{plan}"
    );
    assert!(!plan.contains("public.small, part"), "{plan}");
    for (method, verify) in [
        ("copy", "counts"),
        ("copy", "checksums"),
        ("fdw", "counts"),
        ("fdw", "checksums"),
        ("copy", "off"),
    ] {
        let pair = support::further_destination(&first).await;
        let how = ["--method", method, "--verify", verify, "--json"];
        let run = howdah("run", &pair, &[&SPLIT[..], &how].concat());
        let words = said(&run);
        assert_eq!(run.status.code(), Some(0), "{words}");
        // One table in the report, with the rows of all its parts.
        let report = words.lines().last().unwrap();
        assert_eq!(report.matches(r#""pages""#).count(), 1, "{report}");
        assert!(report.contains("17143"), "{report}");
        let found = support::differences(&pair.source, &pair.destination).await;
        assert_eq!(found, Vec::<String>::new(), "{words}");
    }
}

/// As a kill in the middle leaves it: one part of the table is not there, and the journal does not have it.
async fn with_a_part_missing(method: &str) -> support::Pair {
    let pair = support::databases("parts").await;
    support::execute_batch(&pair.source, PAGES).await;
    let database = &pair.destination.database;
    let set = |value| format!("alter database {database} set app.broken = '{value}'");
    let superuser = support::role::superuser(&pair.destination);
    support::execute_batch(&superuser, &set("on")).await;
    let run = howdah("run", &pair, &[&SPLIT[..], &["--method", method]].concat());
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    support::execute_batch(&superuser, &set("off")).await;
    let taken = "delete from howdah.step where key = (select key from howdah.step where key like 'data/public.pages/pages %-%' order by key limit 1)
                 returning split_part(key, ' ', 2)";
    let pages = support::query_text(&pair.destination, taken).await;
    let (from, to) = pages.split_once('-').unwrap();
    let to = if to.is_empty() { "99999999" } else { to };
    let ids = format!(
        "select string_agg(id::text, ',') from pages where ctid >= '({from},0)' and ctid < '({to},0)'"
    );
    let ids = support::query_text(&pair.source, &ids).await;
    assert!(ids.len() > 1000, "{pages}: {ids}");
    let delete = format!(
        "set session_replication_role = replica; delete from pages where id in ({ids}); delete from howdah.step where key like 'schema/FK%';
         alter table refers drop constraint refers_id_fkey"
    );
    support::execute_batch(&superuser, &delete).await;
    pair
}

#[tokio::test]
async fn parts_that_are_there_stay_and_the_missing_one_comes() {
    for method in ["copy", "fdw"] {
        let pair = with_a_part_missing(method).await;
        let shown = said(&howdah("resume", &pair, &[]));
        assert!(shown.contains("has parts of its rows"), "{shown}");
        let kept = "select count(*), sum(hashtext(xmin::text || ctid::text)) from pages";
        let before = support::query_text(&pair.destination, kept).await;
        let resumed = howdah("resume", &pair, &["--yes"]);
        assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
        let reset = format!("alter database {} reset all", pair.destination.database);
        support::execute_batch(&support::role::superuser(&pair.destination), &reset).await;
        let found = support::differences(&pair.source, &pair.destination).await;
        assert_eq!(found, Vec::<String>::new(), "{}", said(&resumed));
        let still = format!(
            "{kept} where (xmin::text, ctid) in (select xmin::text, ctid from pages order by xmin::text::bigint limit {})",
            before.split('|').next().unwrap()
        );
        assert_eq!(support::query_text(&pair.destination, &still).await, before);
    }
}

#[tokio::test]
async fn parts_of_a_table_that_has_changed_all_come_again() {
    for change in [
        "update pages set long = 'changed' where id = 5000",
        "delete from pages where id = 5001",
        "update pages set long = long where id % 3 = 0; vacuum full pages",
    ] {
        let pair = with_a_part_missing("copy").await;
        for statement in change.split(';') {
            support::execute_batch(&pair.source, statement).await;
        }
        let resumed = howdah("resume", &pair, &["--yes"]);
        assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
        let reset = format!("alter database {} reset all", pair.destination.database);
        support::execute_batch(&support::role::superuser(&pair.destination), &reset).await;
        let found = support::differences(&pair.source, &pair.destination).await;
        assert_eq!(found, Vec::<String>::new(), "{change}: {}", said(&resumed));
    }
}
