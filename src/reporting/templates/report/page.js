"use strict";
const everyCode = document.querySelectorAll("details.code");
const codeSwitch = document.getElementById("all-code");
codeSwitch.hidden = everyCode.length === 0;
codeSwitch.addEventListener("click", () => {
  const show = codeSwitch.getAttribute("aria-pressed") !== "true";
  codeSwitch.setAttribute("aria-pressed", show);
  for (const code of everyCode) code.open = show;
});
// contents: folded on a phone, open beside the text
const wide = matchMedia("(min-width: 70rem)");
const contents = document.querySelector(".contents details");
contents.open = wide.matches;
wide.addEventListener("change", () => { contents.open = wide.matches; });
// what scrolls sideways can be reached by keyboard
for (const box of document.querySelectorAll(".scroll")) if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
// the section being read
const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.getAttribute("href").slice(1), link]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) {
    for (const link of links.values()) link.removeAttribute("aria-current");
    links.get(entry.target.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "0px 0px -75% 0px" });
for (const heading of document.querySelectorAll("main h2[id], main h3[id]")) seen.observe(heading);
