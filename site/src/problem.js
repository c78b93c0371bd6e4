// What goes wrong in a way that a sentence explains.

export class Problem extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
