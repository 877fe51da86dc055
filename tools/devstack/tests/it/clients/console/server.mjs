// A server of the console's files that answers as a test has it: what a real one does only in bad moments.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const TYPES = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
const PEOPLE = {
  partner: { subject: "p", roles: ["partner"], partner_id: "partner123" },
  brand: { subject: "b", roles: ["brand"], brand_id: "brand123" },
  operator: { subject: "o", roles: ["operator"] },
};

/** An answer that is never given, and one that is cut off. */
export const NOTHING = Symbol("nothing");
export const CUT = Symbol("cut");
export const problem = (status, code, detail = code) => ({ status, type: "application/problem+json", body: { status, code, title: code, detail } });
/** As something between the API and the browser answers. */
export const proxy = (status) => ({ status, type: "text/html", body: "<h1>No</h1>" });

export async function play(dist) {
  const routes = new Map();
  const streams = new Set();
  const late = [];
  const server = {
    people: structuredClone(PEOPLE),
    /** Of tokens, in seconds. */
    lifetime: 900,
    /** Which tokens it takes, of `GET /api/v1/...`. */
    takes: () => true,
    /** Whether it answers nothing at all, as a process that was stopped. */
    isStopped: false,
    /** What was asked for. */
    asked: [],
    streams,
    /** What is answered from now on: a value, or what a request comes to. `GET /api/v1/...`. */
    on(route, answer) {
      routes.set(route, answer);
    },
    count: (route) => server.asked.filter((it) => it.route === route).length,
    last: (route) => server.asked.findLast((it) => it.route === route),
    /** Tells all listeners of an event. */
    tell(event = { type: "x" }) {
      for (const stream of streams) stream.write(`id: 2\ndata: ${JSON.stringify(event)}\n\n`);
    },
    goOn() {
      server.isStopped = false;
      for (const answer of late.splice(0)) answer();
    },
    forget() {
      routes.clear();
      // Who is gone may be here for a moment more.
      streams.clear();
      server.asked.length = 0;
      Object.assign(server, { people: structuredClone(PEOPLE), lifetime: 900, takes: () => true });
    },
  };

  function give(response, answer) {
    if (answer === NOTHING) return;
    if (answer === CUT) {
      response.destroy();
      return;
    }
    const { status = 200, type = "application/json", body = {} } = typeof answer?.status === "number" ? answer : { body: answer };
    // Of a connection that it uses again a browser sends by itself what was cut off.
    response.writeHead(status, { "content-type": type, connection: "close" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  }

  function own({ route, path, token, isRefused }, response) {
    const person = /^\/console\/sign-in\/(\w+)$/.exec(path)?.[1];
    if (person) return { token: `${person}.${server.asked.length}`, expires_in: server.lifetime };
    if (path === "/console/config.json") return { oidc: null, demo: true };
    if (path === "/health") return {};
    if (isRefused) return problem(401, "unauthorized");
    if (path === "/api/v1/me") return server.people[token.split(".")[0]];
    if (/^\/api\/v1\/(events\/stream|operator\/\w+\/events\/live)$/.test(path)) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("id: 1\n\n");
      streams.add(response);
      response.on("close", () => streams.delete(response));
      return NOTHING;
    }
    return route.startsWith("GET /api/") ? { items: [], totals: [], missing: [], from: "2026-01-01", to: "2026-01-02" } : {};
  }

  function file(path) {
    const name = path.replace(/^\/console\/?/, "");
    const found = /\.\w+$/.test(name) ? name : "index.html";
    return { status: 200, type: TYPES[found.split(".").pop()], body: readFileSync(join(dist, found), "utf8") };
  }

  const http = createServer(async (request, response) => {
    const url = new URL(request.url, "http://console");
    let body = "";
    for await (const part of request) body += part;
    const token = (request.headers.authorization ?? "").replace("Bearer ", "");
    const path = url.pathname;
    const asked = { route: `${request.method} ${path}`, path, query: url.searchParams, headers: request.headers, token, body: body && JSON.parse(body) };
    server.asked.push(asked);
    const answer = () => {
      if (path.startsWith("/console") && !/config\.json|sign-in/.test(path)) return give(response, file(path));
      asked.isRefused = path.startsWith("/api/") && !server.takes(token, asked.route);
      const played = asked.isRefused ? undefined : routes.get(asked.route);
      return give(response, (typeof played === "function" ? played(asked) : played) ?? own(asked, response));
    };
    if (server.isStopped) late.push(answer);
    else answer();
  });
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  server.url = `http://127.0.0.1:${http.address().port}`;
  return server;
}
