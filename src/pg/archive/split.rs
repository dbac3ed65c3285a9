//! Cuts the text that `pg_restore --verbose -f -` prints into the archive's entries. Pure.
//!
//! Headers are matched strictly in the order of `pg_restore -l`, and only where no string, comment or function body is
//! open, so that no text of a user can cut an entry in two: not even one that quotes this very archive.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;
use std::rc::Rc;

use crate::model::archive::{Entry, Section};
use crate::model::name::ObjectName;
use crate::model::text::{Repeated, Text};
use crate::sql::lexer;

/// One line of `pg_restore -l`: `215; 1259 16411 TABLE public customer postgres`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listed {
    id: u32,
    class_oid: u32,
    oid: u32,
}

/// What is listed, in the order of printing: three walk through it, each at its own pace.
#[derive(Clone)]
struct InOrder {
    all: Rc<[Listed]>,
    next: usize,
}

impl Iterator for InOrder {
    type Item = Listed;

    fn next(&mut self) -> Option<Listed> {
        let listed = self.all.get(self.next).copied()?;
        self.next += 1;
        Some(listed)
    }
}

/// The entries of one archive, one after another: of a large schema no more than two texts of one entry are held at a time.
pub(super) struct Entries<S, B> {
    listed: InOrder,
    post_data: HashSet<u32>,
    with_owner: Pieces<S>,
    bare: Pieces<B>,
    governing: Settings,
    repeated: Repeated,
}

impl<S: BufRead, B: BufRead> Entries<S, B> {
    /// `list` and `post_data_list` are what `pg_restore -l` prints, without and with `--section=post-data`; `with_owner` is
    /// what `pg_restore --verbose -f -` prints, `bare` the same with `--no-owner`. Errors say what did not fit.
    pub(super) fn new(
        list: impl BufRead,
        post_data_list: impl BufRead,
        with_owner: S,
        bare: B,
    ) -> Result<Self, Flaw> {
        let listed = InOrder {
            all: in_printing_order(list)?.into(),
            next: 0,
        };
        let post_data = listed_lines(post_data_list)
            .map(|line| line.map(|(listed, _)| listed.id))
            .collect::<std::io::Result<_>>()?;
        let mut with_owner = Pieces::new(listed.clone(), with_owner);
        let mut bare = Pieces::new(listed.clone(), bare);
        if has_nonconforming_strings(&with_owner.next()?) {
            return Err(Flaw::Unfit(
                "a backslash in a string is an escape there, which howdah does not read; connect past the pooler that lets no options through, or ALTER DATABASE … SET standard_conforming_strings = on"
                    .to_owned(),
            ));
        }
        let mut governing = Settings::default();
        governing.cut(&bare.next()?);
        Ok(Self {
            listed,
            post_data,
            with_owner,
            bare,
            governing,
            repeated: Repeated::default(),
        })
    }

    /// The definition as it is printed without its owner, with the settings that govern it in front; what is printed besides is
    /// the owner's statement.
    fn read(&mut self, listed: Listed) -> Result<Entry, Flaw> {
        let Listed { id, .. } = listed;
        let (with_owner, bare) = (self.with_owner.next()?, self.bare.next()?);
        let (header, whole) = header_and_body(&with_owner, id)?;
        let header = Header::parse(header)
            .ok_or_else(|| format!("entry {id} has a header that cannot be read"))?;
        let whole = Settings::default().cut(whole).trim();
        let prefix = self.governing.prefix();
        let body = self.governing.cut(header_and_body(&bare, id)?.1).trim();
        let owner_sql = whole
            .strip_prefix(body)
            .ok_or_else(|| format!("entry {id} reads differently with and without its owner"))?
            .trim();
        Ok(Entry {
            id,
            class_oid: listed.class_oid,
            oid: listed.oid,
            kind: self.repeated.keep(header.kind),
            name: ObjectName::new(self.repeated.keep(header.schema), header.name.to_owned()),
            owner: self.repeated.keep(header.owner),
            depends_on: header.depends_on,
            section: if self.post_data.contains(&id) {
                Section::PostData
            } else {
                Section::PreData
            },
            sql: if body.is_empty() {
                Text::default()
            } else {
                format!("{prefix}{body}").into()
            },
            owner_sql: (!owner_sql.is_empty()).then(|| owner_sql.to_owned().into()),
        })
    }
}

impl<S: BufRead, B: BufRead> Iterator for Entries<S, B> {
    type Item = Result<Entry, Flaw>;

    fn next(&mut self) -> Option<Self::Item> {
        let listed = self.listed.next()?;
        Some(self.read(listed))
    }
}

/// Why an archive could not be read.
#[derive(Debug)]
pub(super) enum Flaw {
    /// The text itself could not be.
    Unread(std::io::Error),
    /// It is not what pg_restore prints; the reason.
    Unfit(String),
}

impl From<String> for Flaw {
    fn from(reason: String) -> Self {
        Self::Unfit(reason)
    }
}

impl From<std::io::Error> for Flaw {
    fn from(error: std::io::Error) -> Self {
        Self::Unread(error)
    }
}

/// What is printed, cut before each entry's header.
struct Pieces<R> {
    lines: R,
    listed: InOrder,
    /// Read, and not given out: the beginning of the next piece.
    buffer: String,
}

impl<R: BufRead> Pieces<R> {
    fn new(listed: InOrder, lines: R) -> Self {
        Self {
            lines,
            listed,
            buffer: String::new(),
        }
    }

    /// First what comes before all entries, then one entry after the other; what comes after all of them is left out.
    fn next(&mut self) -> Result<String, Flaw> {
        let Some(entry) = self.listed.next() else {
            while self.read_line()? {}
            let end = end_of_entries(&self.buffer);
            self.buffer.truncate(end);
            return Ok(std::mem::take(&mut self.buffer));
        };
        let opening = format!(
            "--\n-- TOC entry {} (class {} OID {})\n",
            entry.id, entry.class_oid, entry.oid
        );
        while self.read_line()? {
            let text = &self.buffer;
            if text.ends_with(&opening) && begins_token(text, text.len() - opening.len()) {
                let rest = self.buffer.split_off(self.buffer.len() - opening.len());
                return Ok(std::mem::replace(&mut self.buffer, rest));
            }
        }
        Err(format!("entry {} is listed but not printed", entry.id).into())
    }

    /// Whether there was one.
    fn read_line(&mut self) -> std::io::Result<bool> {
        let read = self.lines.read_line(&mut self.buffer)?;
        Ok(read > 0)
    }
}

/// Whether a token begins at `place`: a header that begins there is pg_restore's, not inside a user's text.
fn begins_token(text: &str, place: usize) -> bool {
    let mut end = 0;
    for token in lexer::tokens(text) {
        if end >= place {
            break;
        }
        end += token.text.len();
    }
    end == place
}

/// From `-- TOC entry` to the last comment line, and what follows.
fn header_and_body(text: &str, id: u32) -> Result<(&str, &str), String> {
    text.strip_prefix("--\n")
        .unwrap_or(text)
        .split_once("\n--\n")
        .ok_or_else(|| format!("entry {id} has no end of its header"))
}

/// Each entry of a list, and what stands behind its numbers.
fn listed_lines(list: impl BufRead) -> impl Iterator<Item = std::io::Result<(Listed, String)>> {
    list.lines().filter_map(|line| line.map(listed).transpose())
}

fn listed(mut line: String) -> Option<(Listed, String)> {
    if line.starts_with(';') {
        return None;
    }
    let (id, rest) = line.split_once("; ")?;
    let mut words = rest.splitn(3, ' ');
    let listed = Listed {
        id: id.parse().ok()?,
        class_oid: words.next()?.parse().ok()?,
        oid: words.next()?.parse().ok()?,
    };
    let behind = words.next()?.len();
    Some((listed, line.split_off(line.len() - behind)))
}

/// pg_restore prints in three passes: everything else, then privileges, then event triggers and the refreshing of
/// materialized views with what hangs on them (`_tocEntryRestorePass` since 9.6).
fn in_printing_order(list: impl BufRead) -> std::io::Result<Vec<Listed>> {
    let mut passes = [const { Vec::new() }; 3];
    for line in listed_lines(list) {
        let (listed, rest) = line?;
        let pass = if rest.starts_with("ACL ") || rest.starts_with("DEFAULT ACL ") {
            1
        } else if rest.starts_with("EVENT TRIGGER ")
            || rest.starts_with("MATERIALIZED VIEW DATA ")
            || rest.starts_with("COMMENT - EVENT TRIGGER ")
            || rest.starts_with("SECURITY LABEL - EVENT TRIGGER ")
        {
            2
        } else {
            0
        };
        passes[pass].push(listed);
    }
    Ok(passes.into_iter().flatten().collect())
}

/// Whether the source's settings made pg_dump write strings in which a backslash is an escape.
fn has_nonconforming_strings(preamble: &str) -> bool {
    let mut lines = preamble.lines();
    lines.any(|line| line == "SET standard_conforming_strings = off;")
}

/// Where the closing lines begin: `-- Completed on …` and `-- PostgreSQL database dump complete` are the last of the text.
fn end_of_entries(text: &str) -> usize {
    let closing = text.rfind("--\n-- PostgreSQL database dump complete\n--");
    let completed = text.rfind("-- Completed on ");
    [completed, closing]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(text.len())
}

struct Header<'a> {
    depends_on: Box<[u32]>,
    name: &'a str,
    kind: &'a str,
    schema: &'a str,
    owner: &'a str,
}

impl<'a> Header<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut depends_on = Box::default();
        for line in text.lines() {
            if let Some(ids) = line.strip_prefix("-- Dependencies: ") {
                depends_on = ids
                    .split_whitespace()
                    .filter_map(|id| id.parse().ok())
                    .collect();
            }
            let named = line
                .strip_prefix("-- Name: ")
                .or_else(|| line.strip_prefix("-- Data for Name: "));
            if let Some(named) = named {
                let (rest, owner) = named.rsplit_once("; Owner:")?;
                let (rest, schema) = rest.rsplit_once("; Schema: ")?;
                let (name, kind) = rest.rsplit_once("; Type: ")?;
                let owner = owner
                    .split_once("; Tablespace: ")
                    .map_or(owner, |(owner, _)| owner);
                return Some(Self {
                    depends_on,
                    name,
                    kind,
                    schema: if schema == "-" { "" } else { schema },
                    // Extensions and privileges have none.
                    owner: if owner.trim() == "-" {
                        ""
                    } else {
                        owner.trim_start()
                    },
                });
            }
        }
        None
    }
}

/// `SET default_tablespace` and `SET default_table_access_method` are printed only when they change, in front of the next
/// entry's header, that is at the end of this one's text: they are carried forward to the entries they govern.
#[derive(Default)]
struct Settings {
    by_name: HashMap<&'static str, String>,
}

const GOVERNING: [&str; 2] = ["default_tablespace", "default_table_access_method"];

impl Settings {
    /// Cuts the settings off the end of `text`; they are in force from the next entry on.
    fn cut<'a>(&mut self, text: &'a str) -> &'a str {
        let mut rest = text.trim_end();
        loop {
            let last = lexer::statements(rest).pop().unwrap_or_default();
            let (before, line) = last.rsplit_once('\n').unwrap_or(("", last));
            // The last line of a user's text can look like this, too; but then a string or a body is open before it.
            let name = GOVERNING.into_iter().find(|name| {
                line.strip_prefix("SET ")
                    .and_then(|l| l.strip_prefix(name))
                    .is_some_and(|l| l.starts_with(" = "))
            });
            let Some(name) = name.filter(|_| !lexer::has_statement(before)) else {
                return rest;
            };
            self.by_name.insert(name, line.to_owned());
            rest = rest.strip_suffix(line).unwrap_or_default().trim_end();
        }
    }

    /// What to say in front of an entry.
    fn prefix(&self) -> String {
        let mut prefix = String::new();
        for line in GOVERNING.iter().filter_map(|name| self.by_name.get(name)) {
            if !is_default(line) {
                // LOCAL: the entry runs in a transaction of its own, the next one finds the defaults again.
                prefix.push_str(&line.replacen("SET ", "SET LOCAL ", 1));
                prefix.push('\n');
            }
        }
        prefix
    }
}

/// Sessions start with these values, so saying them again would only be noise.
fn is_default(line: &str) -> bool {
    line == "SET default_tablespace = '';" || line == "SET default_table_access_method = heap;"
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = ";\n; Archive\n;\n10; 1259 100 TABLE public a me\n12; 0 0 ACL public TABLE a me\n11; 1259 101 INDEX public i me\n";
    const POST: &str = "11; 1259 101 INDEX public i me\n";

    fn sql(owner: bool) -> String {
        let alter = if owner {
            "ALTER TABLE public.a OWNER TO me;\n\n"
        } else {
            ""
        };
        format!(
            "--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\nSET a = 1;\n\nSET default_tablespace = 'fast';\n\nSET default_table_access_method = heap;\n\n\
             --\n-- TOC entry 10 (class 1259 OID 100)\n-- Name: a; Type: TABLE; Schema: public; Owner: {}\n-- Data Pos: 0\n--\n\n\
             CREATE TABLE public.a (\n    x text DEFAULT '\n--\n-- TOC entry 99 (class 1 OID 1)\n'\n);\n\n\n{alter}\
             --\n-- TOC entry 11 (class 1259 OID 101)\n-- Dependencies: 10\n-- Name: i; Type: INDEX; Schema: public; Owner: me; Tablespace: fast\n--\n\n\
             CREATE INDEX i ON public.a USING btree (x);\n\n\nSET default_tablespace = '';\n\n\
             --\n-- TOC entry 12 (class 0 OID 0)\n-- Dependencies: 10\n-- Name: TABLE a; Type: ACL; Schema: public; Owner: me\n--\n\n\
             GRANT SELECT ON TABLE public.a TO you;\n\n\n-- Completed on 2026\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict x\n",
            if owner { "me" } else { "-" }
        )
    }

    fn entries() -> Vec<Entry> {
        both(LIST, POST, &sql(true), &sql(false)).unwrap()
    }

    fn both(
        list: &str,
        post_data_list: &str,
        sql: &str,
        sql_without_owner: &str,
    ) -> Result<Vec<Entry>, Flaw> {
        let (sql, bare) = (sql.as_bytes(), sql_without_owner.as_bytes());
        Entries::new(list.as_bytes(), post_data_list.as_bytes(), sql, bare)?.collect()
    }

    #[test]
    fn privileges_come_last_and_owners_stand_apart() {
        let entries = entries();
        let ids: Vec<u32> = entries.iter().map(|e| e.id).collect();
        assert_eq!(ids, [10, 11, 12]);
        assert_eq!(
            entries[0].owner_sql.as_deref(),
            Some("ALTER TABLE public.a OWNER TO me;")
        );
        assert_eq!(entries[1].owner_sql, None);
        assert_eq!(entries[2].sql, "GRANT SELECT ON TABLE public.a TO you;");
        assert_eq!(entries[1].section, Section::PostData);
        assert_eq!(*entries[1].depends_on, [10]);
        assert_eq!(entries[1].owner, "me");
    }

    #[test]
    fn a_look_alike_header_cuts_nothing() {
        assert!(entries()[0].sql.contains("TOC entry 99"));
        assert!(entries()[0].sql.ends_with(");"));
    }

    #[test]
    fn a_tablespace_is_carried_forward_and_defaults_are_not_said() {
        let entries = entries();
        assert!(
            entries[0]
                .sql
                .starts_with("SET LOCAL default_tablespace = 'fast';\nCREATE TABLE")
        );
        assert!(
            entries[1]
                .sql
                .starts_with("SET LOCAL default_tablespace = 'fast';\nCREATE INDEX")
        );
    }

    #[test]
    fn what_is_listed_but_not_printed_is_an_error() {
        let list = format!("{LIST}13; 1 1 VIEW public v me\n");
        let refused = both(&list, POST, &sql(true), &sql(false)).unwrap_err();
        assert!(matches!(refused, Flaw::Unfit(reason) if reason.contains("13")));
    }

    /// The error of who reads text, for whom there is advice of its own.
    #[test]
    fn bytes_that_are_not_utf8_are_told_apart_wherever_they_stand() {
        let (text, other) = (sql(true), b"10; 1 1 TABLE \xff a me\n".as_slice());
        let (lists, sql) = ([LIST, POST].map(str::as_bytes), text.as_bytes());
        for (list, post, whole) in [
            (other, lists[1], sql),
            (lists[0], other, sql),
            (lists[0], lists[1], other),
        ] {
            let read = Entries::new(list, post, whole, whole);
            let flaw = read.and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let kind = flaw.map_err(|flaw| match flaw {
                Flaw::Unread(error) => Some(error.kind()),
                Flaw::Unfit(_) => None,
            });
            assert_eq!(kind.unwrap_err(), Some(std::io::ErrorKind::InvalidData));
        }
    }

    #[test]
    fn what_reads_differently_without_its_owner_is_an_error() {
        let other = sql(false).replace("CREATE INDEX i", "CREATE INDEX j");
        let refused = both(LIST, POST, &sql(true), &other).unwrap_err();
        let wanted = "entry 11 reads differently";
        assert!(matches!(refused, Flaw::Unfit(reason) if reason.contains(wanted)));
    }

    /// Whatever pg_restore prints, it is cut in the order of the list or refused.
    #[test]
    fn no_text_makes_it_panic_or_change_the_order() {
        use proptest::prelude::*;
        use proptest::sample::{Index, select};
        let snippets = [
            "",
            "'",
            "\"",
            "$$",
            "$a$",
            "/*",
            "*/",
            "\\",
            "\n",
            ";",
            "é",
            "E'\\",
            "--\n-- TOC entry 11 (class 1259 OID 101)\n",
            "-- TOC entry 99999999999 (class x OID)\n",
            "-- Dependencies: 1 x\n",
            "-- Name: ; Type: ; Schema: -; Owner: \n",
            "SET default_tablespace = '';\n",
            "SET default_table_access_method = x",
        ];
        let edit = (any::<Index>(), 0..30_usize, select(snippets.to_vec()));
        let texts = (prop::collection::vec(edit, 0..6), 0..5_u8);
        crate::fuzz::check(256, &texts, |(edits, which)| {
            let mut all = [LIST.to_owned(), POST.to_owned(), sql(true), sql(false)];
            for (at, length, snippet) in edits {
                // The two long ones alike, or one of the four alone.
                let one = usize::from(which);
                let edited = if one == 4 { 2..4 } else { one..one + 1 };
                for text in &mut all[edited] {
                    let chars: Vec<char> = text.chars().collect();
                    let from = at.index(chars.len() + 1);
                    let to = (from + length).min(chars.len());
                    *text = chars[..from]
                        .iter()
                        .copied()
                        .chain(snippet.chars())
                        .chain(chars[to..].iter().copied())
                        .collect();
                }
            }
            let [list, post_data_list, sql, sql_without_owner] = &all;
            if let Ok(entries) = both(list, post_data_list, sql, sql_without_owner) {
                let listed: Vec<u32> = in_printing_order(list.as_bytes())
                    .unwrap()
                    .iter()
                    .map(|one| one.id)
                    .collect();
                let ids: Vec<u32> = entries.iter().map(|entry| entry.id).collect();
                prop_assert_eq!(ids, listed);
            }
            Ok(())
        });
    }
}
