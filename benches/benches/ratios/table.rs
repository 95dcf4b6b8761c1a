use std::fmt::Write;

use benches::{
    Framework::{Actix, Axum},
    Mode, Role, thousands,
};

use crate::{
    figures::{Figures, fastest_rival, ours},
    targets::{SCALING, TARGETS, Target},
};

pub(crate) fn tables(figures: &[Figures]) -> String {
    [ratios(figures), frames(figures), threads(figures), everything(figures)].join("\n")
}

/// Returns the table of this workspace and the fastest rival.
fn ratios(figures: &[Figures]) -> String {
    let mut table = String::from(
        "## Ours and the fastest rival\n\n\
         Instructions and allocations per request over the bare service or client; wall time in times of the bare one, as a \
         median of paired ratios. The rival is the one that costs least where everything is sampled.\n\n\
         | | ours | fastest rival | ratio | target | met | allocations, ours / rival | wall time, ours / rival |\n\
         | --- | ---: | ---: | ---: | --- | --- | ---: | ---: |\n",
    );
    for target in TARGETS {
        table.push_str(&ratio(figures, target).unwrap_or_default());
    }
    table
}

fn ratio(figures: &[Figures], target: &Target) -> Option<String> {
    let Target { framework, mode, .. } = *target;
    let ours = ours(figures, framework, mode)?;
    let rival = fastest_rival(figures, framework, mode)?;
    let ratio = ours.instructions as f64 / rival.instructions as f64;
    Some(format!(
        "| {framework}: {mode} | {} | {} {} | {ratio:.2} | {target} | {} | {:.0} / {:.0} | {:.2} / {:.2} |\n",
        thousands(ours.instructions),
        rival.case.subject.name,
        thousands(rival.instructions),
        target.judge(ratio),
        ours.allocations,
        rival.allocations,
        ours.wall?,
        rival.wall?,
    ))
}

fn frames(figures: &[Figures]) -> String {
    let mut table = String::from(
        "## A frame of a streamed body\n\n\
         If a frame costs nothing, the body is not observed, and the span ends with the head of the response.\n\n\
         | | instructions | allocations, target 0 |\n| --- | ---: | ---: |\n",
    );
    for Figures { case, instructions, allocations, .. } in
        figures.iter().filter(|figures| figures.case.mode == Mode::Frames && is_traced(figures))
    {
        let subject = case.subject;
        let _ =
            writeln!(table, "| {subject:?} | {} | {allocations:.0} |", thousands(*instructions));
    }
    table
}

fn threads(figures: &[Figures]) -> String {
    let mut table = format!(
        "## Two threads\n\n\
         Throughput of two threads that share a service, in throughputs of one; the figure of the bare service \
         is the limit of the machine. Two threads occupy a small machine, \
         so this is meaningful only on an idle one. Target: {SCALING}.\n\n\
         | | two threads |\n| --- | ---: |\n",
    );
    let is_shown = |figures: &&Figures| {
        [Axum, Actix].contains(&figures.case.subject.framework)
            && figures.case.subject.role != Role::Reference
    };
    for Figures { case, scaling, .. } in figures.iter().filter(is_shown) {
        if let Some(scaling) = scaling {
            let _ = writeln!(table, "| {:?} | {scaling:.2} |", case.subject);
        }
    }
    table
}

fn everything(figures: &[Figures]) -> String {
    let mut table = String::from(
        "## Everything\n\n\
         Over the bare service or client, or in full where there is none.\n\n\
         | | instructions | allocations | wall time |\n| --- | ---: | ---: | ---: |\n",
    );
    for Figures { case, instructions, allocations, wall, .. } in figures {
        let wall = wall.map_or_else(String::new, |wall| format!("{wall:.2}"));
        let instructions = thousands(*instructions);
        let _ = writeln!(table, "| {case} | {instructions} | {allocations:.1} | {wall} |");
    }
    table
}

fn is_traced(figures: &Figures) -> bool {
    figures.case.subject.role != Role::Bare
}
