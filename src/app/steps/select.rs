//! The select step.

use crate::app::{Action, Ctx, Effect, Flow, Inspection, Key};
use crate::model::options::Options;
use crate::model::selection::Selection;

#[derive(Debug, Default)]
pub struct Select {}

impl Select {
    pub fn is_typing(&self) -> bool {
        false
    }

    pub fn text(&mut self, _key: Key, _ctx: &mut Ctx<'_>) {}

    pub fn paste(&mut self, _text: &str, _ctx: &mut Ctx<'_>) {}

    pub fn take_over(
        &mut self,
        _old: Option<&Inspection>,
        new: &Inspection,
        _selection: &Selection,
        options: &Options,
    ) -> Selection {
        Selection::from_patterns(&new.catalog, &options.include, &options.exclude)
    }

    pub fn why_not(&self, _action: Action) -> Option<String> {
        None
    }

    pub fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        match action {
            Action::Next => ctx.flow = Some(Flow::Next),
            Action::Back => ctx.flow = Some(Flow::Back),
            _ => {}
        }
        Vec::new()
    }
}
