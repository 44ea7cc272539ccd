// Server-sent events that come back after they are lost.

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

/**
 * Listens to one event of a stream of JSON.
 *
 * `onState(state, { retryIn })` is told `connecting`, `live`, `lost` (with the milliseconds until
 * it is tried again) and `paused`: nothing is listened to while the page is not to be seen.
 */
export function live(url, event, onData, onState = () => {}) {
  let source = null;
  let timer = null;
  let wait = FIRST_WAIT;
  let closed = false;

  const stop = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };

  const open = () => {
    stop();
    if (closed) return;
    if (document.hidden) {
      onState("paused", {});
      return;
    }
    onState("connecting", {});
    source = new EventSource(url);
    source.addEventListener("open", () => {
      wait = FIRST_WAIT;
      onState("live", {});
    });
    source.addEventListener("error", lost);
    source.addEventListener(event, (message) => {
      let data;
      try {
        data = JSON.parse(message.data);
      } catch {
        lost();
        return;
      }
      onData(data, message.lastEventId);
    });
  };

  // A browser tries again by itself after some errors and not after others; so it is never left to it.
  const lost = () => {
    stop();
    if (closed) return;
    // Pages that lost the same server do not come back all at once.
    const retryIn = Math.round(wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
    timer = setTimeout(open, retryIn);
    onState("lost", { retryIn });
  };

  const seen = () => {
    if (document.hidden) {
      stop();
      onState("paused", {});
    } else if (!source) {
      wait = FIRST_WAIT;
      open();
    }
  };

  document.addEventListener("visibilitychange", seen);
  addEventListener("online", open);
  open();

  return {
    close() {
      closed = true;
      stop();
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("online", open);
    },
    retry() {
      wait = FIRST_WAIT;
      open();
    },
  };
}
