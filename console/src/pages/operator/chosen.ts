/** The service that a page is about, as the address says: the first unless another is chosen. */
import { SERVICES, type Service } from "../../lib/events";
import { router } from "../../lib/router.svelte";

export function chosenService(otherwise: Service = "campaign"): Service {
  return SERVICES.find((it) => it === router.query.get("service")) ?? otherwise;
}
