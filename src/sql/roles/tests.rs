//! Statements as pg_dump writes them, with tables, columns and literals that are called like the roles.

use super::*;
use crate::model::roles::RolePair;

fn map(pairs: &[(&str, &str)]) -> RoleMap {
    let pairs = pairs.iter().map(|(old, new)| RolePair {
        old: (*old).to_owned(),
        new: (*new).to_owned(),
    });
    RoleMap::new(pairs.collect())
}

/// Every role that the texts below may name, under a name that none of them has.
fn all() -> RoleMap {
    map(&[
        ("same", "New Role"),
        ("to", "t2"),
        ("from", "f2"),
        ("owner", "o2"),
        ("role", "r2"),
        ("server", "s2"),
        ("a=b, \"c\"", "say \"hi\""),
        ("PUBLIC", "P2"),
    ])
}

#[track_caller]
fn check(grammar: Grammar, sql: &str, wanted: &str) {
    assert_eq!(mapped(grammar, sql, &all()), wanted);
    assert_eq!(mapped(grammar, sql, &RoleMap::default()), sql);
}

#[test]
fn the_owner_is_the_last_word() {
    check(
        Grammar::Owner,
        "ALTER FUNCTION same.f(same integer, \"to\" timestamp with time zone, OUT owner same.same) OWNER TO same;",
        "ALTER FUNCTION same.f(same integer, \"to\" timestamp with time zone, OUT owner same.same) OWNER TO \"New Role\";",
    );
    check(
        Grammar::Owner,
        "ALTER TABLE same.owner OWNER TO owner;",
        "ALTER TABLE same.owner OWNER TO o2;",
    );
    check(
        Grammar::Owner,
        "ALTER TABLE \"OWNER TO same\" OWNER TO \"a=b, \"\"c\"\"\";\n",
        "ALTER TABLE \"OWNER TO same\" OWNER TO \"say \"\"hi\"\"\";\n",
    );
    check(
        Grammar::Owner,
        "ALTER OPERATOR same.+ (same, NONE) OWNER TO other;",
        "ALTER OPERATOR same.+ (same, NONE) OWNER TO other;",
    );
}

#[test]
fn grantees_and_grantors_of_privileges() {
    let sql = "REVOKE ALL ON TABLE same.same FROM PUBLIC;\n\
               REVOKE GRANT OPTION FOR SELECT ON TABLE same.same FROM same;\n\
               GRANT SELECT(same),UPDATE(\"to\") ON TABLE same.same TO same WITH GRANT OPTION;\n\
               GRANT ALL ON FUNCTION same.f(same integer, \"from\" interval year to month) TO \"to\";\n\
               SET SESSION AUTHORIZATION same;\n\
               GRANT INSERT ON TABLE same.\"to\" TO \"PUBLIC\";\n\
               RESET SESSION AUTHORIZATION;\n\
               GRANT USAGE ON SCHEMA role TO role;\n\
               GRANT SELECT ON TABLE x TO GROUP same;";
    let wanted = "REVOKE ALL ON TABLE same.same FROM PUBLIC;\n\
                  REVOKE GRANT OPTION FOR SELECT ON TABLE same.same FROM \"New Role\";\n\
                  GRANT SELECT(same),UPDATE(\"to\") ON TABLE same.same TO \"New Role\" WITH GRANT OPTION;\n\
                  GRANT ALL ON FUNCTION same.f(same integer, \"from\" interval year to month) TO t2;\n\
                  SET SESSION AUTHORIZATION \"New Role\";\n\
                  GRANT INSERT ON TABLE same.\"to\" TO \"P2\";\n\
                  RESET SESSION AUTHORIZATION;\n\
                  GRANT USAGE ON SCHEMA role TO r2;\n\
                  GRANT SELECT ON TABLE x TO GROUP \"New Role\";";
    check(Grammar::Acl, sql, wanted);
    let acting: Vec<_> = named(Grammar::Acl, sql)
        .into_iter()
        .filter(|role| role.is_acting)
        .map(|role| role.name)
        .collect();
    assert_eq!(acting, ["same"]);
}

#[test]
fn who_is_no_superuser_sets_the_role() {
    assert_eq!(
        without_session_authorization(
            "SET SESSION AUTHORIZATION \"session authorization\";\nGRANT SELECT ON TABLE session TO authorization;\nRESET SESSION AUTHORIZATION;\n"
        ),
        "SET ROLE \"session authorization\";\nGRANT SELECT ON TABLE session TO authorization;\nRESET ROLE;\n"
    );
}

#[test]
fn both_ends_of_default_privileges() {
    check(
        Grammar::DefaultAcl,
        "ALTER DEFAULT PRIVILEGES FOR ROLE same IN SCHEMA same REVOKE ALL ON TABLES  FROM same;\n\
         ALTER DEFAULT PRIVILEGES FOR ROLE role IN SCHEMA role GRANT SELECT ON TABLES  TO server WITH GRANT OPTION;\n\
         ALTER DEFAULT PRIVILEGES FOR ROLE server GRANT ALL ON FUNCTIONS  TO PUBLIC;",
        "ALTER DEFAULT PRIVILEGES FOR ROLE \"New Role\" IN SCHEMA same REVOKE ALL ON TABLES  FROM \"New Role\";\n\
         ALTER DEFAULT PRIVILEGES FOR ROLE r2 IN SCHEMA role GRANT SELECT ON TABLES  TO s2 WITH GRANT OPTION;\n\
         ALTER DEFAULT PRIVILEGES FOR ROLE s2 GRANT ALL ON FUNCTIONS  TO PUBLIC;",
    );
}

#[test]
fn a_policys_expression_is_left_alone() {
    check(
        Grammar::Policy,
        "CREATE POLICY same ON same.same AS RESTRICTIVE FOR SELECT TO same, \"to\", owner USING (((same > 0) AND (CURRENT_USER = 'same'::name)));",
        "CREATE POLICY same ON same.same AS RESTRICTIVE FOR SELECT TO \"New Role\", t2, o2 USING (((same > 0) AND (CURRENT_USER = 'same'::name)));",
    );
    let to_all = "CREATE POLICY role ON same.same USING ((same IN ( SELECT same.\"to\" FROM same))) WITH CHECK (true);";
    check(Grammar::Policy, to_all, to_all);
    check(
        Grammar::Policy,
        "CREATE POLICY p ON s.t TO role WITH CHECK ((a /* TO same */ = $$same$$));",
        "CREATE POLICY p ON s.t TO r2 WITH CHECK ((a /* TO same */ = $$same$$));",
    );
}

#[test]
fn user_mappings_and_schemas() {
    check(
        Grammar::UserMapping,
        "CREATE USER MAPPING FOR server SERVER server OPTIONS (\n    \"user\" 'same'\n);",
        "CREATE USER MAPPING FOR s2 SERVER server OPTIONS (\n    \"user\" 'same'\n);",
    );
    let public = "CREATE USER MAPPING FOR PUBLIC SERVER same;";
    check(Grammar::UserMapping, public, public);
    check(
        Grammar::Schema,
        "CREATE SCHEMA same AUTHORIZATION same;",
        "CREATE SCHEMA same AUTHORIZATION \"New Role\";",
    );
    check(
        Grammar::Schema,
        "CREATE SCHEMA same;",
        "CREATE SCHEMA same;",
    );
}

#[test]
fn two_roles_may_change_places() {
    let sql = "GRANT SELECT ON TABLE a TO a;\nGRANT SELECT ON TABLE a TO b;";
    assert_eq!(
        mapped(Grammar::Acl, sql, &map(&[("a", "b"), ("b", "a")])),
        "GRANT SELECT ON TABLE a TO b;\nGRANT SELECT ON TABLE a TO a;"
    );
}
