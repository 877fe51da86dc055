/** Every page: its address, whose it is, and where it stands in the menu. */
import type { Component } from "svelte";
import { match } from "./lib/router.svelte";
import type { Role } from "./lib/session.svelte";
import type { IconName } from "./ui/Icon.svelte";
import { brand } from "./pages/brand/routes";
import { operator } from "./pages/operator/routes";
import { partner } from "./pages/partner/routes";

export interface Route {
  path: string;
  /** Given the named parts of its path. */
  page: Component<any>;
  /** In the menu, in a section of it. */
  menu?: { section: string; label: string; icon: IconName };
}

interface Owned extends Route {
  role: Role;
}

const of = (role: Role, routes: readonly Route[]): Owned[] => routes.map((route) => ({ ...route, role }));
const ROUTES: readonly Owned[] = [...of("partner", partner), ...of("brand", brand), ...of("operator", operator)];

export const home = (role: Role): string => `/${role}`;

export function find(path: string, roles: readonly Role[]): { route: Owned; parts: Record<string, string> } | undefined {
  for (const route of ROUTES) {
    const parts = match(route.path, path);
    if (parts && roles.includes(route.role)) return { route, parts };
  }
  return undefined;
}

export function menu(role: Role): { name: string; routes: { path: string; label: string; icon: IconName }[] }[] {
  const sections: { name: string; routes: { path: string; label: string; icon: IconName }[] }[] = [];
  for (const route of ROUTES) {
    if (route.role !== role || !route.menu) continue;
    const { section, label, icon } = route.menu;
    let at = sections.find((it) => it.name === section);
    if (!at) sections.push((at = { name: section, routes: [] }));
    at.routes.push({ path: route.path, label, icon });
  }
  return sections;
}
