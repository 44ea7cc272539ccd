//! Productions of name trees.

use super::{Expected, Input, MAX_NESTING, Parsed, Unexpected, path, token, trivia};
use crate::path::Path;
use crate::tree::{DEFAULT_WEIGHT, NameTree, Weighted};
use nom::Parser;
use nom::bytes::complete::take_while;

/// A whole tree.
pub(crate) fn tree(input: Input<'_>) -> Parsed<'_, NameTree<Path>> {
    alt(input, 0)
}

/// Unions between `|`, and in each weighted trees between `&`. One alone is itself: a lone weight
/// means nothing. Both are one loop, as what follows a tree tells which of them it belongs to.
fn alt(mut input: Input<'_>, nesting: usize) -> Parsed<'_, NameTree<Path>> {
    if input.first() == Some(&b'/') {
        // Most trees are one path.
        let (rest, path) = path::path(input)?;
        if !matches!(trivia::skip(rest).first(), Some(b'&' | b'|')) {
            return Ok((rest, NameTree::Leaf(path)));
        }
    }
    let mut trees = Vec::new();
    let mut branches = Vec::new();
    loop {
        let (rest, branch) = weighted(input, nesting)?;
        match trivia::skip(rest).split_first() {
            Some((b'&', next)) => {
                branches.push(branch);
                input = trivia::skip(next);
            }
            Some((b'|', next)) => {
                trees.push(union(std::mem::take(&mut branches), branch));
                input = trivia::skip(next);
            }
            _ => {
                let last = union(branches, branch);
                if trees.is_empty() {
                    return Ok((rest, last));
                }
                trees.push(last);
                return Ok((rest, NameTree::Alt(trees)));
            }
        }
    }
}

#[inline]
fn union(mut branches: Vec<Weighted<Path>>, last: Weighted<Path>) -> NameTree<Path> {
    if branches.is_empty() {
        return last.tree;
    }
    branches.push(last);
    NameTree::Union(branches)
}

#[inline]
fn weighted(input: Input<'_>, nesting: usize) -> Parsed<'_, Weighted<Path>> {
    let (input, weight) = match input.first() {
        Some(b'0'..=b'9' | b'.') => {
            let (input, weight) = number(input)?;
            let (input, ()) = token(b'*').parse(trivia::skip(input))?;
            (trivia::skip(input), weight)
        }
        _ => (input, DEFAULT_WEIGHT),
    };
    let (input, tree) = simple(input, nesting)?;
    Ok((input, Weighted { weight, tree }))
}

#[inline]
fn simple(input: Input<'_>, nesting: usize) -> Parsed<'_, NameTree<Path>> {
    match input.split_first() {
        Some((b'/', _)) => path::path.map(NameTree::Leaf).parse(input),
        Some((b'~', rest)) => Ok((rest, NameTree::Neg)),
        Some((b'!', rest)) => Ok((rest, NameTree::Fail)),
        Some((b'$', rest)) => Ok((rest, NameTree::Empty)),
        Some((b'(', _)) if nesting == MAX_NESTING => Unexpected::at(input, Expected::LessNesting),
        Some((b'(', rest)) => {
            let (rest, tree) = alt(trivia::skip(rest), nesting + 1)?;
            let (rest, ()) = token(b')').parse(trivia::skip(rest))?;
            Ok((rest, tree))
        }
        _ => Unexpected::at(input, Expected::Simple),
    }
}

/// Digits with at most one dot. So many digits that they pass every double are infinity.
fn number(input: Input<'_>) -> Parsed<'_, f64> {
    let digits = |input| take_while::<_, _, Unexpected>(|byte: u8| byte.is_ascii_digit())(input);
    let (mut rest, _) = digits(input)?;
    if let Some((b'.', fraction)) = rest.split_first() {
        (rest, _) = digits(fraction)?;
        if rest.first() == Some(&b'.') {
            return Unexpected::at(rest, Expected::NumberChar);
        }
    }
    let text = std::str::from_utf8(&input[..input.len() - rest.len()]).unwrap_or_default();
    match text.parse() {
        Ok(number) => Ok((rest, number)),
        Err(_) => Unexpected::at(input, Expected::Number),
    }
}
