//! A database at a managed service: on neither side a superuser, nobody who may read `pg_authid` or set
//! `session_replication_role`, `postgres_fdw` by the provider's grants alone.

use howdah::model::connection::{Endpoint, Secret};

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};

/// What such services give their first role: it may make roles and databases, and owns its own.
const ADMIN: &str = "create role {admin} login password 'x' createrole createdb;
    create role {admin}_reader; create role {admin}_owner; grant {admin}_owner to {admin};
    alter database {database} owner to {admin}";

/// What the provider does in each database.
const PROVIDED: &str = "alter schema public owner to {admin};
    revoke execute on function pg_control_system() from public";
const PROVIDED_FDW: &str = "create extension postgres_fdw schema public;
    grant usage on foreign data wrapper postgres_fdw to {admin}";

/// An application's schema, made by that role.
const SCHEMA: &str = "create extension hstore;
    create schema app; create type app.mood as enum ('sad', 'ok');
    create function app.touch() returns trigger language plpgsql as $$ begin new.note := 'touched'; return new; end $$;
    create table app.person (id bigint generated always as identity primary key, name text not null, mood app.mood, more hstore, note text);
    insert into app.person (name, mood, more) select 'p' || g, 'ok', hstore('a', g::text) from generate_series(1, 500) g;
    create trigger touch before insert on app.person for each row execute function app.touch();
    create table app.visit (person bigint references app.person, at date) partition by range (at);
    create table app.visit_2020 partition of app.visit for values from ('2020-01-01') to ('2021-01-01');
    create table app.visit_rest partition of app.visit default;
    insert into app.visit select 1 + g % 500, '2020-06-01'::date + g from generate_series(1, 600) g;
    create index on app.visit (at);
    create materialized view app.moods as select mood, count(*) from app.person group by mood;
    alter table app.person enable row level security;
    create policy own on app.person to {admin}_reader using (name = current_user);
    grant usage on schema app to {admin}_reader; grant select on app.person to {admin}_reader;
    alter default privileges in schema app grant select on tables to {admin}_reader;
    create table app.given (id int); insert into app.given values (1), (2);
    grant create, usage on schema app to {admin}_owner; alter table app.given owner to {admin}_owner;
    select lo_from_bytea(4242, 'content')";

async fn carries(method: &str) {
    let pair = support::databases("managed").await;
    let admin = format!("admin_of_{}", pair.source.database);
    let filled = |sql: &str| {
        sql.replace("{admin}", &admin)
            .replace("{database}", &pair.source.database)
    };
    for side in [&pair.source, &pair.destination] {
        support::execute_batch(side, &filled(ADMIN)).await;
        support::execute_batch(side, &filled(PROVIDED)).await;
    }
    support::execute_batch(&pair.destination, &filled(PROVIDED_FDW)).await;
    let as_admin = |endpoint: &Endpoint| Endpoint {
        user: admin.clone(),
        password: Some(Secret::new("x")),
        ..endpoint.clone()
    };
    let managed = Pair {
        source: as_admin(&pair.source),
        destination: as_admin(&pair.destination),
    };
    support::execute_batch(&managed.source, &filled(SCHEMA)).await;

    let run = howdah(
        "run",
        &managed,
        &["--yes", "--method", method, "--verify", "checksums"],
    );
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let found = support::differences(&pair.source, &pair.destination).await;
    // The provider's extension stays as it was.
    assert_eq!(
        found,
        [
            "comment extension postgres_fdw: only in the destination",
            "extension postgres_fdw: only in the destination",
            "foreign data wrapper postgres_fdw: only in the destination",
        ]
    );
    assert!(said(&run).contains("pg_control_system"), "{}", said(&run));
}

#[tokio::test]
async fn copy_needs_no_more_rights_than_a_service_gives() {
    carries("copy").await;
}

#[tokio::test]
async fn fdw_needs_no_more_rights_than_a_service_gives() {
    carries("fdw").await;
}
