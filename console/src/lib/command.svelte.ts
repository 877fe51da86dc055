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

export type Phase = "idle" | "sending" | "waiting" | "done" | "refused" | "unknown";

export class Command {
  phase = $state<Phase>("idle");
  failure = $state.raw<Failure>();
  outcome = $state.raw<Outcome>();
  /** What the server answered, for what is shown once only. */
  answer = $state.raw<unknown>();
  /** Of one thing that is wanted: sent again after an error it is the same, and done once. */
  #key = crypto.randomUUID() as string;
  #sent = "";

  get isBusy(): boolean {
    return this.phase === "sending" || this.phase === "waiting";
  }

  /** Whether it was done. */
  async run(send: Send, what: string = ""): Promise<boolean> {
    if (this.isBusy) return false;
    // Something else is wanted, or the last was decided: another key.
    if (what !== this.#sent || this.phase !== "unknown") this.#key = crypto.randomUUID();
    this.#sent = what;
    this.phase = "sending";
    this.failure = undefined;
    this.outcome = undefined;
    try {
      const { data, error, response } = await send({ "Idempotency-Key": this.#key, Prefer: "wait=5" });
      if (!response.ok) throw failureOf(response, error);
      this.answer = data;
      if (isOutcome(data)) await this.#follow(data);
      else this.phase = "done";
    } catch (error) {
      const failure = asFailure(error);
      this.failure = failure;
      // Without an answer, or with one of a proxy's, nobody knows whether it was taken.
      this.phase = failure.isAway || failure.status >= 500 ? "unknown" : "refused";
    }
    return this.phase === "done";
  }

  async #follow(first: Outcome): Promise<void> {
    this.outcome = first;
    let wait = 300;
    const until = Date.now() + 60_000;
    while (this.outcome.status === "pending" && Date.now() < until) {
      this.phase = "waiting";
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 1.6, 4_000);
      const path = { id: first.command_id };
      try {
        this.outcome = await get(api.GET("/api/v1/commands/{id}", { params: { path } }));
      } catch (error) {
        // It was taken: what became of it is asked again while there is time.
        if (!asFailure(error).isAway) throw error;
      }
    }
    const { status, code, detail, correlation_id } = this.outcome;
    if (status === "completed") {
      this.phase = "done";
    } else {
      const message = detail ?? (status === "needs_attention" ? "An operator has to look at it." : `It ended as ${status}.`);
      const fields = this.outcome.pointer ? [{ pointer: this.outcome.pointer, detail: message }] : [];
      if (status !== "pending") {
        this.failure = new Failure({ status: 409, code: code ?? status, message, correlationId: correlation_id, fields });
      }
      // What an operator has to look at may still be done: it is not sent a second time.
      this.phase = status === "pending" || status === "needs_attention" ? "waiting" : "refused";
    }
  }

  reset(): void {
    this.phase = "idle";
    this.failure = undefined;
    this.outcome = undefined;
    this.answer = undefined;
  }
}

function isOutcome(data: unknown): data is Outcome {
  return typeof data === "object" && data !== null && "command_id" in data && "status" in data;
}
