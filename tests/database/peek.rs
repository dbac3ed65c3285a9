//! A look at a table's first rows, as the Select screen takes it.

use howdah::model::catalog::{Catalog, Table};
use howdah::model::peek::Peek;
use howdah::pg::connect::{connect, probe};
use howdah::pg::{catalog, peek::peek};

use crate::support::{self, Pair};

/// Odd names, long and null values, rows that belong to others, a filter that would write.
const LOOKED_AT: &str = r#"
    create table "odd ""one" ("the key" int, "what's" text, raw bytea, twice int generated always as ("the key" * 2) stored);
    insert into "odd ""one" values (1, repeat('long ', 1000), '\x00ff'), (2, null, null);
    create table parent (id int); create table child () inherits (parent);
    insert into parent values (1); insert into child values (2);
    create table parts (id int) partition by range (id);
    create table part_1 partition of parts for values from (1) to (1000);
    insert into parts select generate_series(1, 999);
    create table bare ();
    insert into bare default values;
    create function public.write() returns boolean language plpgsql as
        'begin insert into public.parent values (3); return true; end';
"#;

async fn looked_at() -> (Pair, u32, Catalog) {
    let pair = support::source_only("peek").await;
    support::execute_batch(&pair.source, LOOKED_AT).await;
    let version_num = probe(&pair.source, false).await.unwrap().version_num;
    let client = connect(&pair.source, "test").await.unwrap().client;
    let catalog = catalog::read(&client, version_num).await.unwrap();
    (pair, version_num, catalog)
}

fn table<'a>(catalog: &'a Catalog, name: &str) -> &'a Table {
    let mut tables = catalog.tables.iter();
    tables.find(|table| table.name.name == name).unwrap()
}

#[tokio::test]
async fn the_first_rows_come_as_text_and_cut() {
    let (pair, version_num, catalog) = looked_at().await;
    let of = async |name: &str, filter: Option<&str>| -> Peek {
        let table = table(&catalog, name);
        peek(&pair.source, version_num, table, filter)
            .await
            .unwrap()
    };
    let odd = of("odd \"one", None).await;
    assert_eq!(odd.columns, ["the key", "what's", "raw", "twice"]);
    assert_eq!(odd.rows.len(), 2);
    let long = odd.rows[0][1].as_ref().unwrap();
    assert_eq!(long.chars().count(), Peek::CHARACTERS + 1);
    assert_eq!(odd.rows[0][2].as_deref(), Some("\\x00ff"));
    assert_eq!(odd.rows[1][1..3], [None, None]);
    // The rows that would be carried: not those of a child, those of all partitions, those that satisfy a condition.
    assert_eq!(of("parent", None).await.rows.len(), 1);
    assert_eq!(of("parts", None).await.rows.len(), Peek::ROWS);
    assert_eq!(
        of("part_1", Some("id > 997 -- the last")).await.rows.len(),
        2
    );
    assert_eq!(of("bare", None).await.rows, [[]; 1]);
}

#[tokio::test]
async fn a_look_cannot_write() {
    let (pair, version_num, catalog) = looked_at().await;
    let parent = table(&catalog, "parent");
    let problem = peek(&pair.source, version_num, parent, Some("public.write()"))
        .await
        .unwrap_err();
    assert_eq!(problem.sqlstate.as_deref(), Some("25006"));
    let count = support::query_text(&pair.source, "select count(*) from only parent").await;
    assert_eq!(count, "1");
}
