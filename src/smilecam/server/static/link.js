// A WebSocket that opens itself again. Works in the page and in a worker.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5000;
const OPENING_LIMIT = 6000;

export class Link {
  /**
   * @param {string} url address, ws: or wss:
   * @param {{state: (state: string, about: object) => void, message: (data: string | ArrayBuffer) => void}} on
   *   called with "open", with "lost" (and the milliseconds until the next try and the server's reason), and with each message
   */
  constructor(url, on) {
    this.url = url;
    this.on = on;
    this.wait = FIRST_WAIT;
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.timer = setTimeout(() => this.lost(socket, {}), OPENING_LIMIT);
    socket.onopen = () => {
      clearTimeout(this.timer);
      this.opened = Date.now();
      this.on.state("open", {});
    };
    socket.onmessage = (event) => {
      this.wait = FIRST_WAIT;
      this.on.message(event.data);
    };
    socket.onclose = (event) => this.lost(socket, event);
  }

  lost(socket, { code, reason }) {
    if (socket !== this.socket) return;
    this.socket = null;
    socket.onmessage = socket.onclose = null;
    socket.close();
    clearTimeout(this.timer);
    this.on.state("lost", { code, reason, wait: this.wait });
    this.timer = setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  send(data) {
    if (!this.open) return false;
    this.socket.send(data);
    return true;
  }

  /** Try again at once. */
  retry() {
    if (!this.socket) this.connect();
  }

  close() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(1000);
    }
  }
}

/** The address of a WebSocket of this server. */
export function address(path, base) {
  const url = new URL(path, base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
