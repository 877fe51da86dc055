import { mount } from "svelte";
import App from "./App.svelte";
import "./app.css";

const target = document.getElementById("app");
if (target) mount(App, { target });
// What is shown where this did not get here.
document.querySelector(".unstarted")?.remove();
