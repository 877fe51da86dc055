/** A write: sent once under one key, and followed until its outcome is known. */
import { api, get, type Schemas } from "./api";
import { Failure, asFailure, failureOf } from "./failure";

type Outcome = Pick<Schemas["CommandView"], "command_id" | "correlation_id" | "status"> &
  Partial<Pick<Schemas["CommandView"], "code" | "detail" | "pointer">>;

/** What every write is sent with. */
export interface Headers {
  "Idempotency-Key": string;
  Prefer: string;
}

export type Send = (header: Headers) => Promise<{ data?: unknown; error?: unknown; response: Response }>;

/**
 * `waiting`: it was taken, and what becomes of it is followed. `undecided`: the same, but nobody knows when that will be. `unknown`: nobody
 * knows whether it was taken.
 */
export type Phase = "idle" | "sending" | "waiting" | "undecided" | "done" | "refused" | "unknown";

export class Command {
  phase = $state<Phase>("idle");
  failure = $state.raw<Failure>();
  outcome = $state.raw<Outcome>();
  /** What the server answered, for what is shown once only. */
  answer = $state.raw<unknown>();
  /** What was sent last. */
  sent = $state("");
  /** The keys of what is wanted and was not decided: sent again it is the same, and done once. */
  #keys = new Map<string, { key: string; mayBeTaken: boolean }>();

  get isBusy(): boolean {
    return this.phase === "sending" || this.phase === "waiting";
  }

  get isDone(): boolean {
    return this.phase === "done";
  }

  /** Whether what was sent last may still be done. */
  get isOpen(): boolean {
    return this.isBusy || this.phase === "undecided" || this.phase === "unknown";
  }

  /** Whether it was done. */
  async run(send: Send, what: string = ""): Promise<boolean> {
    if (this.isBusy) return false;
    const wanted = this.#keys.get(what) ?? { key: crypto.randomUUID(), mayBeTaken: false };
    this.#keys.set(what, wanted);
    this.sent = what;
    this.phase = "sending";
    this.failure = undefined;
    this.outcome = undefined;
    try {
      const { data, error, response } = await send({ "Idempotency-Key": wanted.key, Prefer: "wait=5" });
      if (!response.ok) throw failureOf(response, error);
      this.answer = data;
      if (isOutcome(data)) await this.#follow(data);
      else this.#decided("done");
    } catch (error) {
      const failure = asFailure(error);
      this.failure = failure;
      // Without an answer, with half of one or with one of a proxy's, nobody knows whether it was taken. A refusal that is no verdict says
      // nothing of what was sent before it.
      if (!failure.isRefusal) wanted.mayBeTaken = true;
      if (failure.isVerdict) this.#decided("refused");
      else this.phase = wanted.mayBeTaken ? "unknown" : "refused";
    }
    return this.isDone;
  }

  #decided(phase: "done" | "refused"): void {
    this.#keys.delete(this.sent);
    this.phase = phase;
  }

  async #follow(first: Outcome): Promise<void> {
    this.outcome = first;
    let wait = 300;
    const until = Date.now() + 60_000;
    while (this.outcome.status === "pending" && Date.now() < until) {
      this.phase = "waiting";
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 1.6, 4_000);
      this.outcome = await look(this.outcome);
    }
    this.#end(this.outcome);
  }

  /** Asks once more what became of what was undecided. Whether it was done now. */
  async lookAgain(): Promise<boolean> {
    if (this.phase !== "undecided" || !this.outcome) return false;
    this.phase = "waiting";
    this.outcome = await look(this.outcome);
    this.#end(this.outcome);
    return this.isDone;
  }

  #end({ status, code, detail, correlation_id, pointer }: Outcome): void {
    this.failure = undefined;
    if (status === "completed") {
      this.#decided("done");
    } else {
      const message = detail ?? (status === "needs_attention" ? "An operator has to look at it." : `It ended as ${status}.`);
      const fields = pointer ? [{ pointer, detail: message }] : [];
      if (status !== "pending") {
        this.failure = new Failure({ status: 409, code: code ?? status, message, correlationId: correlation_id, fields });
      }
      // What an operator has to look at may still be done: it is not sent a second time.
      if (status === "pending" || status === "needs_attention") this.phase = "undecided";
      else this.#decided("refused");
    }
  }

  reset(): void {
    this.phase = "idle";
    this.failure = undefined;
    this.outcome = undefined;
    this.answer = undefined;
  }
}

/** It was taken: when nobody says what became of it, it stands where it stood. */
function look(outcome: Outcome): Promise<Outcome> {
  const path = { id: outcome.command_id };
  return get(api.GET("/api/v1/commands/{id}", { params: { path } })).catch(() => outcome);
}

function isOutcome(data: unknown): data is Outcome {
  return typeof data === "object" && data !== null && "command_id" in data && "status" in data;
}
