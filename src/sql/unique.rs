//! A primary key or unique constraint in two statements: its index, which other indexes of the table may be built beside, and
//! the constraint, which takes the index over in no time (manual, ALTER TABLE, `ADD table_constraint_using_index`).

use super::lexer;
use super::quote::ident;

/// What makes the constraint when it is not made at once.
#[derive(Debug, PartialEq, Eq)]
pub struct InTwo {
    pub build_index: String,
    pub adopt_index: String,
}

/// None where PostgreSQL does not take an index over: one that is no btree, or a constraint that forbids overlaps (18).
/// `definition` is pg_dump's of the constraint, `index` the server's own of its index (`pg_get_indexdef`), which bears the
/// constraint's `name`.
pub fn in_two(definition: &str, index: &str, name: &str) -> Option<InTwo> {
    if !index.starts_with("CREATE UNIQUE INDEX ") || !lexer::says(index, &["USING", "btree", "("]) {
        return None;
    }
    let pieces = lexer::statements(definition);
    let at = pieces
        .iter()
        .position(|piece| lexer::says(piece, &["ADD", "CONSTRAINT"]))?;
    let (before, rest) = pieces.split_at(at);
    let (add, after) = rest.split_first()?;
    let (head, deferral) = around_columns(add)?;
    let taken = format!(
        "{head} USING INDEX {}{deferral};{}",
        ident(name),
        after.concat()
    );
    Some(InTwo {
        build_index: format!("{}\n{index};", before.concat())
            .trim_start()
            .to_owned(),
        adopt_index: taken.trim_start().to_owned(),
    })
}

/// What stands before the columns, up to `PRIMARY KEY` or `UNIQUE` (which pg_dump leaves bare in no name), and when the
/// constraint is checked, with the blank before it.
fn around_columns(add: &str) -> Option<(&str, &str)> {
    let (mut end, mut depth) = (0, 0_usize);
    let mut head = None;
    let mut deferral = "";
    for token in lexer::tokens(add) {
        let start = end;
        end += token.text.len();
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            word if word.eq_ignore_ascii_case("WITHOUT") => return None,
            _ if depth > 0 => {}
            ";" => break,
            "UNIQUE" if head.is_none() => head = add.get(..end),
            "PRIMARY" if head.is_none() => {
                let key = add.get(end..)?.strip_prefix(" KEY")?;
                head = add.get(..add.len() - key.len());
            }
            "DEFERRABLE" if head.is_some() => deferral = add.get(start - 1..)?,
            _ => {}
        }
    }
    head.map(|head| (head, deferral.trim_end().trim_end_matches(';')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "CREATE UNIQUE INDEX film_pkey ON public.film USING btree (film_id)";

    fn adopted(definition: &str) -> Option<String> {
        in_two(definition, INDEX, "film_pkey").map(|two| two.adopt_index)
    }

    #[test]
    fn the_index_comes_first_and_the_constraint_takes_it_over() {
        let two = in_two(
            "ALTER TABLE ONLY public.film\n    ADD CONSTRAINT film_pkey PRIMARY KEY (film_id);\n",
            INDEX,
            "film_pkey",
        );
        let two = two.expect("a btree");
        assert_eq!(two.build_index, format!("{INDEX};"));
        assert_eq!(
            two.adopt_index.trim_end(),
            "ALTER TABLE ONLY public.film\n    ADD CONSTRAINT film_pkey PRIMARY KEY USING INDEX film_pkey;"
        );
    }

    #[test]
    fn what_describes_the_index_stays_with_it_and_the_rest_with_the_constraint() {
        let definition = "SET LOCAL default_tablespace = fast;\nALTER TABLE ONLY a.t\n    ADD CONSTRAINT \"UNIQUE (x\" \
            UNIQUE NULLS NOT DISTINCT (\"DEFERRABLE\") INCLUDE (b) WITH (fillfactor='70') DEFERRABLE INITIALLY DEFERRED;\n\
            ALTER TABLE a.t CLUSTER ON \"UNIQUE (x\";";
        let two = in_two(definition, INDEX, "UNIQUE (x").expect("a btree");
        assert!(
            two.build_index
                .starts_with("SET LOCAL default_tablespace = fast;\n")
        );
        assert!(
            two.build_index.ends_with(&format!("{INDEX};")),
            "{}",
            two.build_index
        );
        assert_eq!(
            two.adopt_index,
            "ALTER TABLE ONLY a.t\n    ADD CONSTRAINT \"UNIQUE (x\" UNIQUE USING INDEX \"UNIQUE (x\" \
             DEFERRABLE INITIALLY DEFERRED;\nALTER TABLE a.t CLUSTER ON \"UNIQUE (x\";"
        );
    }

    #[test]
    fn what_no_index_can_stand_for_is_made_at_once() {
        let exclusion = "ALTER TABLE ONLY a.t ADD CONSTRAINT e EXCLUDE USING gist (r WITH &&);";
        assert_eq!(adopted(exclusion), None);
        let temporal =
            "ALTER TABLE ONLY a.t ADD CONSTRAINT k PRIMARY KEY (id, r WITHOUT OVERLAPS);";
        assert_eq!(adopted(temporal), None);
        let key = "ALTER TABLE ONLY a.t ADD CONSTRAINT k PRIMARY KEY (id);";
        assert_eq!(in_two(key, &INDEX.replace("btree", "gist"), "k"), None);
        assert_eq!(in_two(key, &INDEX.replace("UNIQUE ", ""), "k"), None);
        assert_eq!(adopted("CREATE INDEX i ON a.t USING btree (id);"), None);
    }
}
