import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

/** Where a running bff is, for `npm run dev`. */
const bff = process.env["BFF_SERVICE_URL"] ?? "http://127.0.0.1:8002";

export default defineConfig({
  base: "/console/",
  plugins: [svelte()],
  build: {
    target: "es2022",
    // Fetched at once, not inlined: the page's policy lets nothing run or show that is not a file of ours.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/health", "/console/config.json", "/console/sign-in"].map((path) => [path, { target: bff }]),
    ),
  },
});
