//! The table of features by version, asked of the servers themselves: each can what the table says, and nothing more.

use howdah::model::feature::Feature;

use crate::servers::{self, Server};
use crate::support;

/// A statement that only a server with the feature accepts; in a transaction that is rolled back.
fn proof(feature: Feature) -> &'static str {
    match feature {
        Feature::IdentityColumns => "create table t (a int generated always as identity)",
        Feature::Procedures => "create procedure p() language sql as ''",
        Feature::PartitionedKeys => "create table t (a int primary key) partition by range (a)",
        Feature::HashPartitions => "create table t (a int) partition by hash (a)",
        Feature::CoveringIndexes => "create table t (a int, b int, primary key (a) include (b))",
        Feature::ParallelIndexBuilds => "set local max_parallel_maintenance_workers = 0",
        Feature::HashOfText => "select hashtextextended('', 0)",
        Feature::TriggersExecuteFunctions => {
            "create table t (a int); create trigger t before insert on t for each row execute procedure suppress_redundant_updates_trigger();
             select 1 / (pg_get_triggerdef(oid) ~ 'EXECUTE FUNCTION')::int from pg_trigger where tgname = 't'"
        }
        Feature::GeneratedColumns => "create table t (a int, b int generated always as (a) stored)",
        Feature::ShortestFloats => {
            "set local extra_float_digits = 3; select 1 / (0.1::float8::text = '0.1')::int"
        }
        Feature::TableAccessMethods => "create table t () using heap",
        Feature::IndexProgress => "select from pg_stat_progress_create_index",
        Feature::NondeterministicCollations => {
            "create collation c (provider = icu, locale = 'und', deterministic = false)"
        }
        // Understood, and then refused for the transaction around it.
        Feature::DropDatabaseForce => {
            "do $$begin execute 'drop database if exists none with (force)';
             exception when active_sql_transaction then null; end$$"
        }
        Feature::Multiranges => "select '{}'::int4multirange",
        Feature::ColumnCompression => "create table t (a text compression pglz)",
        Feature::OutArguments => "create procedure p(out a int) language sql as 'select 1'",
        Feature::SqlBodies => "create function f() returns int language sql return 1",
        Feature::HashOfRecords => "select hash_record_extended(row(1), 0)",
        Feature::TidRangeScans => {
            "do $$declare plan text; begin
             execute $q$explain select from pg_class where ctid < '(1,0)'$q$ into plan;
             if plan !~ 'Tid Range' then raise '%', plan; end if; end$$"
        }
        Feature::IdleSessionTimeout => "set local idle_session_timeout = 0",
        Feature::ForeignTruncate => {
            "create extension postgres_fdw; create server s foreign data wrapper postgres_fdw options (truncatable 'false')"
        }
        Feature::DatabaseLocales => "select datlocprovider from pg_database",
        Feature::CollationRules => {
            "create collation c (provider = icu, locale = 'und', rules = '&a < g')"
        }
        Feature::NullsNotDistinct => "create table t (a int, unique nulls not distinct (a))",
        Feature::SecurityInvokerViews => {
            "create view v with (security_invoker = true) as select 1"
        }
        Feature::UnloggedSequences => "create unlogged sequence s",
        Feature::FilteredPublications => {
            "create table t (a int); create publication p for table t where (a > 0)"
        }
        Feature::ClosedPublicSchema => {
            "select 1 / (not exists (select from aclexplode((select nspacl from pg_namespace where nspname = 'public')) where grantee = 0 and privilege_type = 'CREATE'))::int"
        }
        Feature::ParameterPrivileges => "grant set on parameter work_mem to current_user",
        Feature::EscapedCharBytes => {
            r#"select 1 / (length((-1)::"char"::text) = 4)::int"#
        }
        Feature::UnqualifiedViewColumns => {
            "create table t (a int); create view v as select t.a from t; select 1 / (pg_get_viewdef('v'::regclass) !~ 't\\.a')::int"
        }
        Feature::MembershipOptions => {
            "create role features_a; create role features_b; grant features_a to features_b with inherit true, set true"
        }
        Feature::MaintainPrivilege => "create table t (); grant maintain on t to public",
        Feature::TransactionTimeout => "set local transaction_timeout = 0",
        Feature::BuiltinLocales => "create collation c (provider = builtin, locale = 'C.UTF-8')",
        Feature::VirtualColumns => "create table t (a int, b int generated always as (a) virtual)",
        Feature::NotNullConstraints => "create table t (a int not null no inherit)",
        Feature::TemporalKeys => {
            "create table t (a int4range, b int4range, primary key (a, b without overlaps))"
        }
        Feature::UnenforcedConstraints => "create table t (a int check (a > 0) not enforced)",
        Feature::NotValidOnPartitioned => {
            "create table k (a int primary key); create table t (a int) partition by range (a); alter table t add foreign key (a) references k not valid"
        }
        Feature::RangeStatistics => "select range_bounds_histogram from pg_stats where false",
        Feature::StatisticsImport => {
            "select 'pg_restore_relation_stats'::regproc, 'pg_restore_attribute_stats'::regproc; select relallfrozen from pg_class where false; create table t (); analyze only t"
        }
    }
}

/// What the server and the table disagree on; or how many features they agree on.
pub(crate) async fn check(major: u32) -> Result<Result<String, String>, String> {
    let server: &Server = servers::server(major)?;
    let client = support::connect(&server.endpoint("postgres")).await;
    let mut disagreements = Vec::new();
    for feature in Feature::ALL {
        client.batch_execute("begin").await.unwrap();
        let tried = client.batch_execute(proof(*feature)).await;
        client.batch_execute("rollback").await.unwrap();
        if tried.is_ok() != feature.is_in(major * 10_000) {
            let why = tried.err().map_or("accepted".to_owned(), |error| {
                error
                    .as_db_error()
                    .map_or(error.to_string(), ToString::to_string)
            });
            disagreements.push(format!("{feature:?} (since {}): {why}", feature.since()));
        }
    }
    if disagreements.is_empty() {
        Ok(Ok(format!(
            "{} features are as the table says",
            Feature::ALL.len()
        )))
    } else {
        Ok(Err(disagreements.join("\n")))
    }
}
