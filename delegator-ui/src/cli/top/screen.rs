//! The picture on a terminal, kept up to date.

use std::io::{self, Write};

use anstream::adapter::strip_str;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::queue;
use crossterm::terminal::{
    self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::table::Picture;
use super::{Args, EVERY, Sort, look};
use crate::cli::delegate::admin::Admin;
use crate::cli::{Error, Outcome, Output, Result};
use crate::view::clean;

/// Columns of the terminal that shows standard output, if one does.
pub(super) fn width() -> Option<usize> {
    use std::io::IsTerminal;
    let columns = io::stdout().is_terminal().then(|| terminal::size().ok())??.0;
    (columns > 0).then_some(usize::from(columns))
}

/// What the keys say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Quit,
    Sort,
    /// By as many lines; negative is up.
    Scroll(isize),
    Redraw,
}

fn wish(event: &Event) -> Option<Wish> {
    const PAGE: isize = 10;
    match event {
        Event::Resize(..) => Some(Wish::Redraw),
        Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) => match code {
            KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::Quit),
            KeyCode::Char('q') | KeyCode::Esc => Some(Wish::Quit),
            KeyCode::Char('s') => Some(Wish::Sort),
            KeyCode::Down | KeyCode::Char('j') => Some(Wish::Scroll(1)),
            KeyCode::Up | KeyCode::Char('k') => Some(Wish::Scroll(-1)),
            KeyCode::PageDown => Some(Wish::Scroll(PAGE)),
            KeyCode::PageUp => Some(Wish::Scroll(-PAGE)),
            _ => None,
        },
        _ => None,
    }
}

/// The terminal in its other screen, back in the first one when dropped, however that comes about.
struct Screen;

impl Screen {
    fn open() -> io::Result<Self> {
        enable_raw_mode()?;
        let screen = Screen;
        let mut out = io::stdout();
        queue!(out, EnterAlternateScreen, Hide)?;
        out.flush()?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody is left to be told if this fails.
        let mut out = io::stdout();
        let _ = queue!(out, Show, LeaveAlternateScreen);
        let _ = out.flush();
        let _ = disable_raw_mode();
    }
}

/// What is on the screen.
struct Shown {
    stats: Value,
    sort: Sort,
    /// Lines that are above it.
    above: usize,
    /// Why the figures are old, if they are.
    lost: Option<String>,
}

pub(super) async fn run(args: &Args, admin: &Admin, output: &mut Output) -> Result {
    // What is wrong from the start is said where it stays.
    let stats = look(args, admin).await?;
    let mut shown = Shown { stats, sort: args.sort, above: 0, lost: None };
    let cannot = |error: io::Error| Error::new(format!("cannot use the terminal: {error}"));
    let mut terminated = signal(SignalKind::terminate()).map_err(cannot)?;
    let screen = Screen::open().map_err(cannot)?;
    // Where nobody wants colours, where the cursor goes must still be said.
    let colour = output.out.current_choice() != anstream::ColorChoice::Never;
    let mut wishes = wishes();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let result = loop {
        if let Err(error) = draw(&mut shown, &admin.url(), colour) {
            break Err(error.into());
        }
        let next = async {
            ticks.tick().await;
            look(args, admin).await
        };
        tokio::select! {
            stats = next => match stats {
                Ok(stats) => (shown.stats, shown.lost) = (stats, None),
                Err(error) => shown.lost = Some(error.to_string()),
            },
            wish = wishes.recv() => match wish {
                None | Some(Wish::Quit) => break Ok(Outcome::Clean),
                Some(Wish::Sort) => shown.sort = shown.sort.next(),
                Some(Wish::Scroll(lines)) => shown.above = shown.above.saturating_add_signed(lines),
                Some(Wish::Redraw) => {}
            },
            _ = terminated.recv() => break Ok(Outcome::Clean),
        }
    };
    drop(screen);
    result
}

/// What is pressed, read by a thread that ends with the program: it waits for a key.
fn wishes() -> mpsc::Receiver<Wish> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if wish(&event).is_some_and(|wish| sender.blocking_send(wish).is_err()) {
                return;
            }
        }
    });
    receiver
}

fn draw(shown: &mut Shown, url: &str, colour: bool) -> io::Result<()> {
    let (columns, rows) = terminal::size()?;
    let (width, height) = (usize::from(columns).max(1), usize::from(rows).max(3));
    let lines = (Picture { stats: &shown.stats, sort: shown.sort, width }).lines();
    // One line is for what stands above, and one for the keys.
    let room = height - 2;
    shown.above = shown.above.min(lines.len().saturating_sub(room));
    let head = match &shown.lost {
        Some(why) => format!("! not up to date: {}", clean(why)),
        None => url.to_owned(),
    };
    let below = lines.len().saturating_sub(shown.above + room);
    let more = if below == 0 { String::new() } else { format!("  {below} more lines below") };
    let foot = format!("q quit  s sort: {}  arrows scroll{more}", shown.sort.name());
    let cut = |line: &str| line.chars().take(width).collect::<String>();
    let mut picture: Vec<u8> = Vec::new();
    queue!(picture, MoveTo(0, 0))?;
    let body = lines.iter().skip(shown.above).take(room);
    let all = std::iter::once(cut(&head)).chain(body.cloned());
    for line in all {
        let line = if colour { line } else { strip_str(&line).to_string() };
        picture.extend(line.bytes());
        queue!(picture, Clear(ClearType::UntilNewLine))?;
        picture.extend(b"\r\n");
    }
    queue!(picture, Clear(ClearType::FromCursorDown), MoveTo(0, rows.saturating_sub(1)))?;
    picture.extend(cut(&foot).bytes());
    let mut out = io::stdout();
    out.write_all(&picture)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_other_programs() {
        let press = |code, modifiers| wish(&Event::Key(KeyEvent::new(code, modifiers)));
        let plain = |code| press(code, KeyModifiers::NONE);
        assert_eq!(plain(KeyCode::Char('q')), Some(Wish::Quit));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Wish::Quit));
        assert_eq!(plain(KeyCode::Char('c')), None);
        assert_eq!(plain(KeyCode::Char('s')), Some(Wish::Sort));
        assert_eq!(plain(KeyCode::Up), Some(Wish::Scroll(-1)));
        assert_eq!(wish(&Event::Resize(80, 24)), Some(Wish::Redraw));
    }
}
