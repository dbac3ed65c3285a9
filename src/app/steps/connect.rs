//! Where from and where to.

use crate::app::{Action, Ctx, Effect, Flow, Key, Prefill};
use crate::model::connection::{Endpoint, ServerFacts, Side};
use crate::model::problem::Problem;

#[derive(Debug, Default)]
pub struct Connect {}

impl Connect {
    pub fn new(_source: Prefill, _destination: Prefill) -> Self {
        Self::default()
    }

    pub fn tested(
        &mut self,
        _side: Side,
        _attempt: u64,
        _outcome: Result<ServerFacts, Box<Problem>>,
    ) {
    }

    pub fn endpoints(&self) -> Option<[Endpoint; 2]> {
        None
    }

    pub fn is_pending(&self) -> bool {
        false
    }

    pub fn is_typing(&self) -> bool {
        true
    }

    pub fn text(&mut self, _key: Key, _ctx: &mut Ctx<'_>) -> Vec<Effect> {
        Vec::new()
    }

    pub fn paste(&mut self, _text: &str, _ctx: &mut Ctx<'_>) -> Vec<Effect> {
        Vec::new()
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
