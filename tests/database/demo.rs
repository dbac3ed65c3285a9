//! The sample database of `howdah demo`.

use howdah::demo;

use crate::support;

#[tokio::test]
async fn the_sample_shop_is_the_same_in_every_demo() {
    let pair = support::databases("shop").await;
    let fill = |endpoint| async move {
        let mut told = 0;
        demo::fill(endpoint, |_| told += 1)
            .await
            .unwrap_or_else(|problem| panic!("{problem}"));
        assert!(told > 2, "the user waits without a word");
    };
    tokio::join!(fill(&pair.source), fill(&pair.destination));
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());

    let rows = support::query_text(
        &pair.source,
        "select sum((xpath('/row/n/text()', query_to_xml(format('select count(*) as n from only %s', oid::regclass), false, true, '')))[1]::text::bigint)
         from pg_class where relkind = 'r' and relnamespace >= 16384 or oid = 'public.country'::regclass",
    )
    .await;
    let rows: u64 = rows.parse().unwrap();
    assert!((900_000..1_100_000).contains(&rows), "{rows} rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_has_a_full_source_and_no_destination_database() {
    let demo = demo::Demo::start(|_| {})
        .await
        .unwrap_or_else(|problem| panic!("{problem}"));
    let orders = "select count(*) from shop.\"order\"";
    assert_eq!(support::query_text(&demo.source(), orders).await, "150000");
    let mut destination = demo.destination();
    assert_eq!(destination.database, "shop");
    destination.database = "postgres".to_owned();
    let databases = "select datname from pg_database where not datistemplate";
    assert_eq!(
        support::query_text(&destination, databases).await,
        "postgres"
    );
}
