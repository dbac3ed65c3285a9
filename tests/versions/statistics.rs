//! What the source's planner knows of the rows is what the destination's knows, where it takes that; the rest is gathered.

use std::process::{Command, Output};

use howdah::model::connection::Endpoint;

use crate::cells::{howdah, said};
use crate::packages;
use crate::servers;
use crate::support;

/// The first version that takes statistics.
pub(crate) const SINCE: u32 = 18;

const SOURCE: &str = r#"
    create schema "Odd ""s'chema";
    create table "Odd ""s'chema"."t a%b" (a int primary key, "C o'l" text, tags text[], span int4range, empty text);
    insert into "Odd ""s'chema"."t a%b"
        select i, 'it''s {' || i % 7 || '}, "' || i % 3 || E'"\\', array['x' || i % 5, 'y,'], int4range(i, i + i % 9), null
          from generate_series(1, 2000) as i;
    create index on "Odd ""s'chema"."t a%b" (lower("C o'l"), (a % 10));
    create table parted (day date, v float8) partition by range (day);
    create table parted_1 partition of parted for values from ('2020-01-01') to ('2021-01-01');
    create table parted_2 partition of parted for values from ('2021-01-01') to ('2022-01-01');
    insert into parted select '2020-01-01'::date + i % 700, i / 7.0 from generate_series(1, 3000) as i;
    create table half_known (a int);
    insert into half_known select generate_series(1, 500);
    create table partly (a int);
    insert into partly select generate_series(1, 500);
    create table related (a int, b int);
    create statistics related_ab on a, b from related;
    insert into related select i, i from generate_series(1, 500) as i;
    analyze;
    alter table half_known add b int default 7;
    create table never (a int);
    insert into never select generate_series(1, 500)"#;

/// What is known of each table, its columns and those of its indexes, one a line; and whether it was gathered here.
const KNOWN: &str = r#"
    select c.relname || ' ' || coalesce(i.relname, '') || ' ' || r.reltuples || ' ' || r.relpages || coalesce(E'\n' || (
             select string_agg(concat_ws(' | ', s.attname, s.inherited, s.null_frac, s.avg_width, s.n_distinct, s.most_common_vals,
                        s.most_common_freqs, s.histogram_bounds, s.correlation, s.most_common_elems, s.most_common_elem_freqs,
                        s.elem_count_histogram), E'\n' order by s.attname, s.inherited)
               from pg_stats as s where s.schemaname = n.nspname and s.tablename = r.relname), ''),
           c.relname, exists (select from pg_stat_all_tables as t where t.relid = c.oid and t.last_analyze is not null)
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace and n.nspname in ('public', 'Odd "s''chema')
      left join pg_index as x on x.indrelid = c.oid
      left join pg_class as i on i.oid = x.indexrelid
      join pg_class as r on r.oid in (c.oid, i.oid)
     where c.relkind in ('r', 'p')
     order by c.relname, i.relname, r.relname"#;

/// Tables whose statistics must be gathered, with the words that say why.
const GATHERED: [(&str, &str); 4] = [
    ("half_known", "not for all columns"),
    ("never", "not for all columns"),
    ("partly", "does not get the very same rows"),
    ("related", "CREATE STATISTICS"),
];

struct Known {
    text: String,
    table: String,
    is_gathered: bool,
}

async fn known(endpoint: &Endpoint) -> Vec<Known> {
    let client = support::connect(endpoint).await;
    // What a session counts it reports a little later, but in any case when it ends; those of the run have ended.
    let rows = client.query(KNOWN, &[]).await.unwrap();
    let known = |row: &tokio_postgres::Row| Known {
        text: row.get(0),
        table: row.get(1),
        is_gathered: row.get(2),
    };
    rows.iter().map(known).collect()
}

/// What is not known alike, or not gathered where it must be.
async fn differences(from: &Endpoint, to: &Endpoint) -> Vec<String> {
    let must_be_gathered = |table: &str| GATHERED.iter().any(|(name, _)| *name == table);
    let (there, here) = (known(from).await, known(to).await);
    let mut wrong = Vec::new();
    let mut count = 0;
    for (there, here) in there.iter().zip(&here) {
        if here.is_gathered != must_be_gathered(&here.table) {
            wrong.push(format!("{} gathered: {}", here.table, here.is_gathered));
        }
        if must_be_gathered(&here.table) {
            continue;
        }
        count += here.text.lines().count();
        if there.text != here.text {
            wrong.push(format!("{}\n is here\n{}", there.text, here.text));
        }
    }
    if there.len() != here.len() || count < here.len() {
        wrong.push(format!("{} of {} relations", here.len(), there.len()));
    }
    wrong
}

/// By the client programs that can read both.
fn run_script(script: &[u8], from: &Endpoint, to: &Endpoint) -> Result<Output, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("carry.sh");
    std::fs::write(&file, script).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::iter::once(packages::clients()?).chain(std::env::split_paths(&path));
    let maintenance = Endpoint {
        database: "postgres".to_owned(),
        ..to.clone()
    };
    Command::new("bash")
        .arg(&file)
        .env("PATH", std::env::join_paths(places).unwrap())
        .env("HOWDAH_SOURCE", support::uri(from))
        .env("HOWDAH_DESTINATION", support::uri(to))
        .env("HOWDAH_MAINTENANCE", support::uri(&maintenance))
        .output()
        .map_err(|error| error.to_string())
}

/// What is not as it must be; or in words what was compared. The outer error: it could not be run.
pub(crate) async fn are_carried(
    source: u32,
    destination: u32,
) -> Result<Result<String, String>, String> {
    let (from, to) = (servers::server(source)?, servers::server(destination)?);
    let from_name = format!("statistics_for_{destination}");
    support::create_database(&from.endpoint("postgres"), &from_name).await;
    let from = from.endpoint(&from_name);
    let to = to.endpoint(&format!("statistics_of_{source}"));
    support::execute_batch(&from, SOURCE).await;
    let choices = ["--create-database", "--where", "partly=a > 100"];
    let plan = said(&howdah(&from, &to, &[&["plan"], &choices[..]].concat())?);
    let run = howdah(&from, &to, &[&["run", "--yes"], &choices[..]].concat())?;
    if !run.status.success() || said(&run).contains("warning") {
        return Ok(Err(said(&run)));
    }
    let mut wrong = differences(&from, &to).await;
    // The same without howdah.
    let to = servers::server(destination)?.endpoint(&format!("script_of_{source}"));
    let script = howdah(&from, &to, &[&["plan", "--script"], &choices[..]].concat())?;
    let run = run_script(&script.stdout, &from, &to)?;
    if !run.status.success() {
        return Ok(Err(said(&run)));
    }
    wrong.extend(differences(&from, &to).await);
    for (table, why) in GATHERED {
        let title = format!("Gather statistics of public.{table}\n");
        let reason = plan.split_once(&title).map_or("", |(_, after)| after);
        if !reason.lines().next().unwrap_or_default().contains(why) {
            wrong.push(format!("the plan does not say why {table} is gathered"));
        }
    }
    if wrong.is_empty() {
        Ok(Ok("known alike after a run and after a script".to_owned()))
    } else {
        Ok(Err(wrong.join("\n")))
    }
}
