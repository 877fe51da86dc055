/** What went wrong, for a person: the server's problem document (RFC 9457), or that the server was not reached. */
export class Failure extends Error {
  readonly status: number;
  readonly code: string;
  readonly correlationId: string | undefined;
  readonly fields: readonly { pointer?: string | null; parameter?: string | null; detail: string }[];

  constructor(of: {
    status: number;
    code: string;
    message: string;
    correlationId?: string | undefined;
    fields?: Failure["fields"];
  }) {
    super(of.message);
    this.status = of.status;
    this.code = of.code;
    this.correlationId = of.correlationId;
    this.fields = of.fields ?? [];
  }

  /** Whether the server was reached at all. */
  get isAway(): boolean {
    return this.status === 0;
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
  });
}

export function away(): Failure {
  return new Failure({ status: 0, code: "away", message: "The server cannot be reached." });
}

export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Failure({ status: -1, code: "console", message });
}
