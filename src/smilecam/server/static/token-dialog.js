// Asks for the token of a server that was restarted with another one; without it a page cannot tell more of the server.

import { $, announce, setText } from "./dom.js";
import { engine } from "./engine.js";
import { note, setStatus } from "./notices.js";

const TEXT = "The server was restarted with another token.";

export class TokenDialog {
  /** @param {() => void} entered called once the server has taken a token */
  constructor(entered) {
    this.entered = entered;
    this.dialog = $("token-dialog");
    $("token-close").addEventListener("click", () => this.dialog.close());
    $("token-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send($("token").value.trim());
    });
  }

  /** Say that the server needs another token, with a button to enter it. */
  offer() {
    setStatus("bad", "New token");
    if ($("note-text").textContent !== TEXT) announce(TEXT);
    note(TEXT, { action: () => this.open(), label: "Enter the token" });
  }

  open() {
    this.refuse("");
    $("token").value = "";
    this.dialog.showModal();
  }

  async send(token) {
    try {
      await engine.enterToken(token);
    } catch (problem) {
      this.refuse(problem.message);
      $("token").select();
      return;
    }
    $("token").value = "";
    this.dialog.close();
    note(null);
    this.entered();
  }

  refuse(text) {
    $("token-wrong").hidden = !text;
    setText($("token-wrong"), text);
    $("token").setAttribute("aria-invalid", String(Boolean(text)));
  }
}
