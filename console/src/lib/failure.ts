/** What went wrong, for a person: the server's problem document (RFC 9457), or that the server was not reached. */
export class Failure extends Error {
  readonly status: number;
  readonly code: string;
  readonly correlationId: string | undefined;
  readonly fields: readonly { pointer?: string | null; parameter?: string | null; detail: string }[];
  /** Whether it is the API that says so, and nothing between it and here. */
  readonly isOfApi: boolean;

  constructor(of: {
    status: number;
    code: string;
    message: string;
    correlationId?: string | undefined;
    fields?: Failure["fields"];
    isOfApi?: boolean;
  }) {
    super(of.message);
    this.status = of.status;
    this.code = of.code;
    this.correlationId = of.correlationId;
    this.fields = of.fields ?? [];
    this.isOfApi = of.isOfApi ?? false;
  }

  /** Whether the server was reached at all. */
  get isAway(): boolean {
    return this.status === 0;
  }

  /** Whether the API took nothing of this request, whatever it did with one before. */
  get isRefusal(): boolean {
    return this.isOfApi && this.status >= 400 && this.status < 500;
  }

  /** Whether the API decided on what was asked for: the same would be refused again. */
  get isVerdict(): boolean {
    return this.isRefusal && ![401, 408, 429].includes(this.status);
  }
}

interface Problem {
  title?: string;
  detail?: string | null;
  code?: string;
  correlation_id?: string | null;
  errors?: Failure["fields"];
}

/** Of an answer that is none of success. */
export function failureOf(response: Response, body: unknown): Failure {
  const problem: Problem = typeof body === "object" && body !== null ? body : {};
  return new Failure({
    status: response.status,
    code: problem.code ?? String(response.status),
    message: problem.detail ?? problem.title ?? `The server answered ${response.status}.`,
    correlationId: problem.correlation_id ?? response.headers.get("x-correlation-id") ?? undefined,
    fields: problem.errors ?? [],
    isOfApi: problem.code !== undefined,
  });
}

export function away(): Failure {
  return new Failure({ status: 0, code: "away", message: "The server cannot be reached." });
}

/** Of what was filled in and is not sent: nothing was, so nothing of it may have been taken. */
export function unfit(code: string, message: string, fields: Failure["fields"] = []): Failure {
  return new Failure({ status: 422, code, message, fields, isOfApi: true });
}

export function timedOut(): Failure {
  return new Failure({ status: -1, code: "timed_out", message: "The server did not answer in time." });
}

/** `away`: whoever renews sessions cannot be asked now. */
export function unauthorized(of: "ended" | "away"): Failure {
  const message = of === "ended" ? "Your session has ended. Please sign in again." : "Your session cannot be renewed now: who signs people in does not answer.";
  return new Failure({ status: 401, code: "unauthorized", message, isOfApi: true });
}

export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  // Of an answer that was given up on in its middle.
  if (error instanceof DOMException && error.name === "AbortError") return timedOut();
  const message = error instanceof Error ? error.message : String(error);
  return new Failure({ status: -1, code: "console", message });
}
