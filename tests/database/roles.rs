//! Owners and privileges under other names, missing roles, and roles that are no superusers.

use std::process::Command;

use howdah::model::connection::{Endpoint, Secret};

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};

/// `{same}` is a schema, a table, a column, a function, a policy … and a role; `{other}` another role of a nasty name.
const SAME_NAMES: &str = r#"
create schema {same} authorization {same};
create table {same}.{same} ({same} int, "to" int);
alter table {same}.{same} owner to {same};
comment on table {same}.{same} is 'ALTER TABLE x OWNER TO {same}; GRANT SELECT ON x TO {same};';
insert into {same}.{same} values (1, 2);
create table {same}.owner (id int);
alter table {same}.owner owner to {other};
create view {same}.v as select {same} from {same}.{same} where '{same}' = current_user;
alter view {same}.v owner to {same};
create function {same}.{same}({same} int, "to" timestamp with time zone) returns text language sql
    as $$ select '{same}' /* owner to {same}; */ $$;
alter function {same}.{same} owner to {other};
grant all on function {same}.{same} to {same} with grant option;
create procedure {same}.p({same} int) language sql as 'select 1';
revoke all on procedure {same}.p from public;
grant usage on schema {same} to {other};
grant select ({same}), update ("to") on {same}.{same} to {other};
grant insert on {same}.{same} to {other} with grant option;
set session authorization {other};
grant insert on {same}.{same} to {third};
grant insert on {same}.{same} to public;
reset session authorization;
alter default privileges for role {same} in schema {same} grant select on tables to {other};
alter default privileges for role {other} grant execute on functions to {same} with grant option;
alter default privileges for role {other} revoke execute on functions from public;
create policy {same} on {same}.{same} as restrictive for select to {same}, {other} using ({same} > 0 and current_user = '{same}');
create policy everybody on {same}.{same} using (true);
create policy third on {same}.{same} to {third} with check (true);
create type {same}.mood as enum ('{same}');
alter type {same}.mood owner to {same};
create domain {same}.small as int;
grant usage on type {same}.small to {other};
create sequence {same}.counter;
alter sequence {same}.counter owner to {third};
grant usage on sequence {same}.counter to {same};
create extension postgres_fdw;
create server {same} foreign data wrapper postgres_fdw options (host '{same}');
alter server {same} owner to {same};
grant usage on foreign server {same} to {other};
create user mapping for {same} server {same} options (user '{same}');
create user mapping for {other} server {same};
create user mapping for public server {same};
create publication {same} for table {same}.{same};
select lo_from_bytea(4711, 'elephant');
alter large object 4711 owner to {other};
"#;

/// Names that no other test has, for roles belong to a whole server.
struct Names {
    same: String,
    other: String,
    third: String,
}

impl Names {
    fn of(pair: &Pair, prefix: &str) -> Self {
        let unique = &pair.source.database;
        Self {
            same: format!("{prefix}_{unique}"),
            other: format!("{prefix} a=b, \"c\" {unique}"),
            third: format!("{prefix}Third{unique}"),
        }
    }

    fn all(&self) -> [&str; 3] {
        [&self.same, &self.other, &self.third]
    }

    fn put_into(&self, sql: &str) -> String {
        sql.replace("{same}", &quoted(&self.same))
            .replace(
                &format!("'{}'", quoted(&self.same)),
                &format!("'{}'", self.same),
            )
            .replace("{other}", &quoted(&self.other))
            .replace("{third}", &quoted(&self.third))
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn create_roles(on: &Endpoint, names: &Names, how: &str) {
    for name in names.all() {
        support::execute_batch(on, &format!("create role {} {how}", quoted(name))).await;
    }
}

/// What pg_dump says of a database; roles in policies stand in no order there, so the oracle looks at those.
fn dump(endpoint: &Endpoint) -> Vec<String> {
    let output = Command::new(support::binaries().bindir.join("pg_dump"))
        .args(["--schema-only", "--dbname", &support::uri(endpoint)])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("CREATE POLICY") && !line.contains("restrict "))
        .map(str::to_owned)
        .collect()
}

async fn assert_equal(pair: &Pair, run: &std::process::Output) {
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new(), "{}", said(run));
    assert_same_lines(&dump(&pair.source), &dump(&pair.destination));
}

/// The lines that only one side has, for people.
#[track_caller]
fn assert_same_lines(source: &[String], destination: &[String]) {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these
            .iter()
            .filter(|line| !those.contains(line))
            .cloned()
            .collect()
    };
    assert_eq!(only(source, destination), only(destination, source));
    assert_eq!(source, destination);
}

#[track_caller]
fn assert_code(output: &std::process::Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

async fn is_role(on: &Endpoint, name: &str) -> bool {
    let sql = format!(
        "select 1 from pg_roles where rolname = '{}'",
        name.replace('\'', "''")
    );
    support::query_text(on, &sql).await == "1"
}

#[tokio::test]
async fn mapped_roles_are_the_only_difference() {
    let pair = support::databases("mapped").await;
    let (old, new) = (Names::of(&pair, "old"), Names::of(&pair, "new"));
    create_roles(&pair.source, &old, "").await;
    create_roles(&pair.destination, &new, "").await;
    support::execute_batch(&pair.source, &old.put_into(SAME_NAMES)).await;

    let pairs: Vec<String> = old
        .all()
        .iter()
        .zip(new.all())
        .map(|(old, new)| format!("{}={}", quoted(old), quoted(new)))
        .collect();
    let mut arguments = vec!["--yes"];
    for pair in &pairs {
        arguments.extend(["--map-role", pair]);
    }
    let run = howdah("run", &pair, &arguments);
    assert_code(&run, 0);
    for name in old.all() {
        assert!(!is_role(&pair.destination, name).await, "{name}");
    }
    // With the same names on both sides, nothing may differ any more.
    for (old, new) in old.all().iter().zip(new.all()) {
        let rename = format!("alter role {} rename to {}", quoted(old), quoted(new));
        support::execute_batch(&pair.source, &rename).await;
    }
    assert_equal(&pair, &run).await;
}

#[tokio::test]
async fn missing_roles_are_named_then_created_without_login() {
    let pair = support::databases("created").await;
    let names = Names::of(&pair, "fresh");
    create_roles(&pair.source, &names, "login password 'geheim' noinherit").await;
    support::execute_batch(&pair.source, &names.put_into(SAME_NAMES)).await;

    let stopped = howdah("run", &pair, &["--yes"]);
    assert_code(&stopped, 3);
    for words in [
        "3 roles are missing",
        "--create-roles",
        "--map-role",
        "--owners skip",
    ] {
        assert!(
            said(&stopped).contains(words),
            "{words}: {}",
            said(&stopped)
        );
    }
    for name in names.all() {
        assert!(said(&stopped).contains(name), "{name}: {}", said(&stopped));
    }

    let run = howdah("run", &pair, &["--yes", "--create-roles"]);
    assert_code(&run, 0);
    assert_equal(&pair, &run).await;
    for name in names.all() {
        let sql = format!(
            "select concat_ws(' ', rolcanlogin, rolsuper, rolinherit, rolcreaterole, rolpassword is null) from pg_authid where rolname = '{name}'"
        );
        assert_eq!(
            support::query_text(&pair.destination, &sql).await,
            "f f f f t"
        );
    }
    assert!(said(&run).contains("Roles created: "), "{}", said(&run));
    let hint = format!("ALTER ROLE {} LOGIN PASSWORD", names.same);
    assert!(said(&run).contains(&hint), "{}", said(&run));
    assert!(!said(&run).contains("geheim"));
}

#[tokio::test]
async fn roles_created_by_a_run_that_fails_are_named() {
    let pair = support::databases("created_then_failed").await;
    let role = format!("stays_{}", pair.source.database);
    support::execute_batch(
        &pair.source,
        &format!(
            "create role {role}; create table t (n int); insert into t values (1); alter table t owner to {role};
             create function f() returns int language sql as 'select 1'"
        ),
    )
    .await;
    // Nothing here may be called t: the table's step fails.
    support::execute_batch(
        &pair.destination,
        "create function no() returns event_trigger language plpgsql as $$ begin raise 'not here'; end $$;
         create event trigger no on ddl_command_start when tag in ('ALTER TABLE') execute function no()",
    )
    .await;
    let arguments = ["--yes", "--create-roles", "--on-existing", "append"];
    let run = howdah("run", &pair, &arguments);
    assert_code(&run, 1);
    assert!(
        said(&run).contains(&format!("Roles created: {role}")),
        "{}",
        said(&run)
    );
    assert!(is_role(&pair.destination, &role).await);
}

#[tokio::test]
async fn a_mapping_that_means_nothing_is_refused() {
    let pair = support::databases("wrong_map").await;
    let role = format!("owner_{}", pair.source.database);
    for side in [&pair.source, &pair.destination] {
        support::execute_batch(side, &format!("create role {role}")).await;
    }
    let fill = format!("create table t (n int); alter table t owner to {role}");
    support::execute_batch(&pair.source, &fill).await;

    let unknown = howdah("run", &pair, &["--yes", "--map-role", "Nobody=postgres"]);
    assert_code(&unknown, 3);
    assert!(
        said(&unknown).contains("no use for Nobody"),
        "{}",
        said(&unknown)
    );
    assert!(said(&unknown).contains(&role), "{}", said(&unknown));
    let planned = howdah("plan", &pair, &["--map-role", "Nobody=postgres"]);
    assert_code(&planned, 1);

    let absent = format!("absent_{}", pair.source.database);
    let map = format!("{role}={absent}");
    let missing = howdah("run", &pair, &["--yes", "--map-role", &map]);
    assert_code(&missing, 3);
    assert!(said(&missing).contains(&absent), "{}", said(&missing));

    let twice = [
        "--yes",
        "--map-role",
        &map,
        "--map-role",
        &format!("{role}=postgres"),
    ];
    assert_code(&howdah("run", &pair, &twice), 3);
    assert_code(
        &howdah("run", &pair, &["--yes", "--map-role", "nothing"]),
        2,
    );

    let created = ["--yes", "--map-role", &map, "--create-roles"];
    assert_code(&howdah("run", &pair, &created), 0);
    let owner = "select relowner::regrole from pg_class where oid = 't'::regclass";
    assert_eq!(support::query_text(&pair.destination, owner).await, absent);
}

#[tokio::test]
async fn without_owners_and_privileges_only_policies_and_mappings_name_roles() {
    let pair = support::databases("skipped").await;
    let names = Names::of(&pair, "skip");
    create_roles(&pair.source, &names, "").await;
    support::execute_batch(&pair.source, &names.put_into(SAME_NAMES)).await;
    let skip = ["--yes", "--owners", "skip", "--privileges", "skip"];
    let stopped = howdah("run", &pair, &skip);
    assert_code(&stopped, 3);
    assert!(
        said(&stopped).contains("3 roles are missing"),
        "{}",
        said(&stopped)
    );

    let clean = format!(
        "drop policy {same} on {same}.{same}; drop policy third on {same}.{same}; drop user mapping for {same} server {same};
         drop user mapping for {other} server {same}",
        same = quoted(&names.same),
        other = quoted(&names.other)
    );
    support::execute_batch(&pair.source, &clean).await;
    let run = howdah("run", &pair, &skip);
    assert_code(&run, 0);
    let others = "select count(*) from pg_class where relowner <> 'postgres'::regrole or
        (relacl is not null and relnamespace::regnamespace::text !~ '^(pg_|information_schema)')";
    assert_eq!(support::query_text(&pair.destination, others).await, "0");
}

/// A login that owns the database on both sides and is nobody else.
async fn owned(name: &str) -> (Pair, Pair, String) {
    let pair = support::databases(name).await;
    let user = format!("plain_{}", pair.source.database);
    let mut own = Pair {
        source: pair.source.clone(),
        destination: pair.destination.clone(),
    };
    for (side, own) in [
        (&pair.source, &mut own.source),
        (&pair.destination, &mut own.destination),
    ] {
        support::execute_batch(
            side,
            &format!(
                "create role {user} login password 'x'; alter database {} owner to {user}",
                side.database
            ),
        )
        .await;
        own.user.clone_from(&user);
        own.password = Some(Secret::new("x"));
    }
    (pair, own, user)
}

#[tokio::test]
async fn an_owner_who_is_no_superuser_carries_his_database() {
    let (pair, own, _) = owned("plain").await;
    // A superuser's extension: its comment is not the owner's to set, and nothing is lost by that.
    for side in [&pair.source, &pair.destination] {
        support::execute_batch(side, "create extension pg_trgm").await;
    }
    support::execute_batch(
        &own.source,
        "create schema s; create table s.t (id int generated always as identity primary key, w text);
         insert into s.t (w) select 'word ' || g from generate_series(1, 100) g;
         create index on s.t using gin (w public.gin_trgm_ops);
         create table u (id int references s.t); insert into u values (7); comment on schema s is 'mine';
         create view v as select * from u; grant select on v to public; create materialized view m as select * from s.t;
         create function f() returns trigger language plpgsql as 'begin return new; end';
         create trigger f before insert on u for each row execute function f();
         alter default privileges grant select on tables to public; select lo_from_bytea(0, 'x')",
    )
    .await;
    let run = howdah("run", &own, &["--yes"]);
    assert_code(&run, 0);
    assert_equal(&pair, &run).await;
    assert!(
        said(&run).contains("must be owner of extension"),
        "{}",
        said(&run)
    );
}

#[tokio::test]
async fn roles_one_may_not_act_for_are_named_with_the_grant() {
    let (pair, own, user) = owned("stand_in").await;
    let team = format!("team_{user}");
    let guest = format!("guest_{user}");
    let create = format!("create role {team}; create role {guest};");
    support::execute_batch(&pair.source, &create).await;
    support::execute_batch(&pair.destination, &create).await;
    let fill = format!(
        "grant {team} to {user}; create schema s authorization {team}; grant create on schema public to {team};
         set role {team}; create table s.t (n int primary key); insert into s.t values (1), (2); create table u ();
         grant usage on schema s to {guest}; grant select on s.t to {guest} with grant option; reset role;
         set role {guest}; grant select on s.t to {user}; reset role"
    );
    support::execute_batch(&pair.source, &fill).await;

    let stopped = howdah("run", &own, &["--yes"]);
    assert_code(&stopped, 3);
    let mut grants = String::new();
    for role in [&team, &guest] {
        let grant = format!("GRANT {role} TO {user};");
        assert!(said(&stopped).contains(&grant), "{}", said(&stopped));
        grants.push_str(&grant);
    }
    let create = format!("GRANT CREATE ON SCHEMA public TO {team};");
    assert!(said(&stopped).contains(&create), "{}", said(&stopped));
    grants.push_str(&create);
    support::execute_batch(&pair.destination, &grants).await;
    let run = howdah("run", &own, &["--yes"]);
    assert_code(&run, 0);
    // Who granted what is the same too, though only a superuser may change the session's user.
    assert_equal(&pair, &run).await;
}

#[tokio::test]
async fn who_may_create_roles_becomes_a_member_of_those_that_get_objects() {
    let (pair, own, user) = owned("creator").await;
    let team = format!("team_{user}");
    support::execute_batch(
        &pair.source,
        &format!(
            "create role {team} login; grant {team} to {user}; create schema s authorization {team};
             set role {team}; create table s.t (n int primary key); insert into s.t values (1), (2)"
        ),
    )
    .await;
    let refused = howdah("run", &own, &["--yes", "--create-roles"]);
    assert_code(&refused, 3);
    assert!(
        said(&refused).contains("may not create roles"),
        "{}",
        said(&refused)
    );

    support::execute_batch(&pair.destination, &format!("alter role {user} createrole")).await;
    let run = howdah("run", &own, &["--yes", "--create-roles"]);
    assert_code(&run, 0);
    assert_equal(&pair, &run).await;
    assert!(
        said(&run).contains(&format!("REVOKE {team} FROM {user}")),
        "{}",
        said(&run)
    );
}
