//! The figures as Markdown: medians, ratios, and every single one of them.

use std::collections::BTreeMap;

use crate::Arguments;
use crate::contenders::Contender;
use crate::measure::Figures;

type All<'a> = BTreeMap<&'a str, Vec<Figures>>;

fn median(figures: &[Figures], what: impl Fn(&Figures) -> f64) -> f64 {
    let mut values: Vec<f64> = figures.iter().map(what).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

pub(crate) fn print(
    arguments: &Arguments,
    scale: f64,
    contenders: &[Contender],
    figures: &All<'_>,
) {
    let rounds = arguments.rounds;
    let dataset = format!("{:?}", arguments.dataset).to_lowercase();
    println!(
        "\n`tests/bench/run --dataset {dataset} --scale {scale} --rounds {rounds}`: medians\n"
    );
    println!(
        "| | wall s | CPU s: tool + source + destination | CPU s | peak MiB | howdah's wall | howdah's CPU |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let ours = figures.get("howdah COPY");
    for contender in contenders {
        let Some(theirs) = figures.get(contender.name) else {
            continue;
        };
        let ratio = |what: fn(&Figures) -> f64| {
            ours.map_or_else(String::new, |ours| {
                format!("{:.2}", median(ours, what) / median(theirs, what))
            })
        };
        let is_ours = contender.name.starts_with("howdah");
        println!(
            "| {}{} | {:.1} | {:.1} + {:.1} + {:.1} | {:.1} | {} | {} | {} |",
            contender.name.replace('|', "\\|"),
            if is_best(contender, contenders, figures) {
                ""
            } else {
                " (not its best)"
            },
            median(theirs, |f| f.wall),
            median(theirs, |f| f.tool),
            median(theirs, |f| f.source),
            median(theirs, |f| f.destination),
            median(theirs, Figures::cpu),
            if is_ours {
                format!("{:.0}", median(theirs, |f| f.memory))
            } else {
                String::new()
            },
            ratio(|f| f.wall),
            ratio(Figures::cpu),
        );
    }
    for contender in contenders.iter().filter(|it| it.name.starts_with("howdah")) {
        if let Some(theirs) = figures.get(contender.name) {
            let (own, all) = (median(theirs, |f| f.own), median(theirs, Figures::cpu));
            println!(
                "\n{}: howdah's own process took {own:.1} s of the processors, {:.1} % of the whole.",
                contender.name,
                100.0 * own / all
            );
        }
    }
    println!("\nEvery run, wall s / CPU s:\n");
    for contender in contenders {
        let single = |f: &Figures| format!("{:.1} / {:.1}", f.wall, f.cpu());
        let all: Vec<String> = figures
            .get(contender.name)
            .map(|all| all.iter().map(single).collect())
            .unwrap_or_default();
        println!("- {}: {}", contender.name, all.join(", "));
    }
    println!("\nWhat was run (`$SRC` and `$DST` are the databases' URIs):\n");
    for contender in contenders {
        if contender.script.trim().contains('\n') {
            println!(
                "- {}: the script in `tests/bench/contenders.rs`",
                contender.name
            );
        } else {
            println!("- {}: `{}`", contender.name, contender.script);
        }
    }
}

/// Nobody of the same family was faster.
fn is_best(contender: &Contender, contenders: &[Contender], figures: &All<'_>) -> bool {
    let wall = |it: &Contender| {
        figures
            .get(it.name)
            .map_or(f64::INFINITY, |all| median(all, |f| f.wall))
    };
    contenders
        .iter()
        .filter(|it| it.family == contender.family)
        .all(|it| wall(contender) <= wall(it))
}
