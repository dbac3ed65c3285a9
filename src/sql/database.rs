//! Statements about the database itself, as `pg_dump --create` would write them (its entries DATABASE, DATABASE PROPERTIES).

use crate::model::catalog::{DatabaseSetting, Privilege};
use crate::model::connection::{DatabaseFacts, DatabaseLocale};
use crate::model::feature::Feature;
use crate::model::options::Options;

use super::grants::grants;
use super::quote::{ident, literal};

/// Settings whose value is a list of names, each of which is quoted by itself (`variable_is_guc_list_quote`).
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// `CREATE DATABASE` with the source's encoding and locale, as far as the destination can have it; template0 so that nothing of
/// template1 comes along, and with its provider named, because template0 may have another.
pub fn create(name: &str, like: &DatabaseFacts, version_num: u32) -> String {
    let locale = match &like.locale {
        _ if !Feature::DatabaseLocales.is_in(version_num) => String::new(),
        DatabaseLocale::Icu { locale, rules } if like.locale.is_in(version_num) => {
            let rules = rules.as_ref();
            let rules = rules.map_or_else(String::new, |r| format!(" ICU_RULES {}", literal(r)));
            format!(" LOCALE_PROVIDER icu ICU_LOCALE {}{rules}", literal(locale))
        }
        DatabaseLocale::Builtin(locale) if like.locale.is_in(version_num) => {
            format!(
                " LOCALE_PROVIDER builtin BUILTIN_LOCALE {}",
                literal(locale)
            )
        }
        _ => " LOCALE_PROVIDER libc".to_owned(),
    };
    format!(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {}{locale} LC_COLLATE {} LC_CTYPE {}",
        ident(name),
        literal(&like.encoding),
        literal(&like.collate),
        literal(&like.ctype)
    )
}

pub fn set(database: &str, setting: &DatabaseSetting, options: &Options) -> String {
    let database = ident(database);
    let whom = match &setting.role {
        Some(role) => format!(
            "ROLE {} IN DATABASE {database}",
            ident(options.role_map.map_role(role))
        ),
        None => format!("DATABASE {database}"),
    };
    let value = if LISTS.contains(&setting.name.to_ascii_lowercase().as_str()) {
        let names: Vec<String> = list(&setting.value).iter().map(|n| literal(n)).collect();
        names.join(", ")
    } else {
        literal(&setting.value)
    };
    // An empty list is written as one empty name.
    let value = if value.is_empty() { "''" } else { &value };
    format!("ALTER {whom} SET {} TO {value}", ident(&setting.name))
}

/// The names of a list as the catalog has it: parted by commas, quoted with doubled quotes where needed.
fn list(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let mut name = String::new();
        let mut chars = rest.char_indices().peekable();
        let is_quoted = chars.next_if(|(_, c)| *c == '"').is_some();
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            if is_quoted && c == '"' && chars.next_if(|(_, next)| *next == '"').is_none() {
                end = at + 1;
                break;
            }
            if !is_quoted && c == ',' {
                end = at;
                break;
            }
            name.push(c);
        }
        names.push(if is_quoted {
            name
        } else {
            name.trim().to_owned()
        });
        let after = rest.get(end..).unwrap_or_default().trim_start();
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
    }
    names
}

pub fn comment(database: &str, comment: &str) -> String {
    format!(
        "COMMENT ON DATABASE {} IS {}",
        ident(database),
        literal(comment)
    )
}

pub fn connection_limit(database: &str, limit: i32) -> String {
    format!(
        "ALTER DATABASE {} CONNECTION LIMIT {limit}",
        ident(database)
    )
}

pub fn mark_as_template(database: &str) -> String {
    format!("ALTER DATABASE {} IS_TEMPLATE true", ident(database))
}

pub fn own(database: &str, owner: &str, options: &Options) -> String {
    format!(
        "ALTER DATABASE {} OWNER TO {}",
        ident(database),
        ident(options.role_map.map_role(owner))
    )
}

/// PUBLIC may connect to a new database and make temporary tables; what it keeps is granted again.
pub fn grant(
    database: &str,
    owner: &str,
    privileges: &[Privilege],
    options: &Options,
) -> Vec<String> {
    let object = format!("DATABASE {}", ident(database));
    std::iter::once(format!("REVOKE ALL ON {object} FROM PUBLIC"))
        .chain(grants(&object, owner, privileges, options))
        .collect()
}

/// Sessions that begin from now on can only read, unless they ask otherwise.
pub fn read_only(database: &str) -> String {
    let database = ident(database);
    format!("ALTER DATABASE {database} SET default_transaction_read_only = on")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str, value: &str) -> String {
        let setting = DatabaseSetting {
            role: None,
            name: name.to_owned(),
            value: value.to_owned(),
        };
        set("Shop", &setting, &Options::default())
    }

    #[test]
    fn a_database_is_made_with_the_provider_of_the_source_where_the_server_has_it() {
        let made = |locale: DatabaseLocale, version: u32| {
            let like = DatabaseFacts {
                has_public_schema: true,
                encoding: "UTF8".to_owned(),
                collate: "C".to_owned(),
                ctype: "C".to_owned(),
                locale,
                ..DatabaseFacts::default()
            };
            let sql = create("a", &like, version);
            let sql = sql.strip_prefix("CREATE DATABASE a TEMPLATE template0 ENCODING 'UTF8'");
            let sql = sql.unwrap().strip_suffix("LC_COLLATE 'C' LC_CTYPE 'C'");
            sql.unwrap().trim().to_owned()
        };
        let icu = |rules: Option<&str>| DatabaseLocale::Icu {
            locale: "de".to_owned(),
            rules: rules.map(str::to_owned),
        };
        let builtin = || DatabaseLocale::Builtin("C.UTF-8".to_owned());
        for (locale, version, clause) in [
            (DatabaseLocale::Libc, 140_000, ""),
            (DatabaseLocale::Libc, 150_000, "LOCALE_PROVIDER libc"),
            (icu(None), 140_000, ""),
            (icu(None), 150_000, "LOCALE_PROVIDER icu ICU_LOCALE 'de'"),
            (icu(Some("&a < b")), 150_000, "LOCALE_PROVIDER libc"),
            (
                icu(Some("&a < b")),
                160_000,
                "LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&a < b'",
            ),
            (builtin(), 160_000, "LOCALE_PROVIDER libc"),
            (
                builtin(),
                170_000,
                "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
            ),
        ] {
            assert_eq!(made(locale, version), clause);
        }
    }

    #[test]
    fn lists_are_quoted_name_by_name_and_other_values_as_a_whole() {
        assert_eq!(
            setting("search_path", "\"$user\", public, \"a\"\"b, c\", \"\""),
            r#"ALTER DATABASE "Shop" SET search_path TO '$user', 'public', 'a"b, c', ''"#
        );
        assert_eq!(
            setting("search_path", ""),
            r#"ALTER DATABASE "Shop" SET search_path TO ''"#
        );
        assert_eq!(
            setting("DateStyle", "SQL, DMY"),
            r#"ALTER DATABASE "Shop" SET "DateStyle" TO 'SQL, DMY'"#
        );
    }
}
