// What the page can do besides: drag and drop, a preview, the camera, Back and Forward. Everything else works without.
const find = (id) => document.getElementById(id);
let drop, input, preview, video; // of what is shown
const LONGEST_WAIT = 10_000; // milliseconds, after which one may ask again

function choose(file) {
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  showPreview();
}

function showPreview() {
  URL.revokeObjectURL(preview.src);
  const [file] = input.files;
  preview.hidden = !file;
  if (file) preview.src = URL.createObjectURL(file);
  // the answer about another picture is not being waited for
  asking.abort();
  setBusy(false);
}

// Counts the starts and stops of the camera: what an earlier start brings is too late, and must not leave it on.
let turn = 0;

async function openCamera() {
  stopCamera();
  const mine = turn;
  find("camera").hidden = false;
  showCamera("starting");
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    if (mine !== turn) return end(stream);
    video.srcObject = stream;
    await video.play();
    showCamera("on");
    find("snap").focus();
  } catch {
    if (mine !== turn) return;
    stopCamera();
    showCamera("refused");
  }
}

function showCamera(state) {
  video.hidden = find("snap").hidden = state !== "on";
  find("refused").hidden = state !== "refused";
}

function stopCamera() {
  turn += 1;
  end(video.srcObject);
  video.srcObject = null;
}

function end(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}

function closeCamera() {
  stopCamera();
  find("camera").hidden = true;
  find("open").focus();
}

function snap() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  closeCamera();
  canvas.toBlob((blob) => {
    choose(new File([blob], "camera.png", { type: "image/png" }));
    find("submit").focus();
  });
}

function setBusy(busy) {
  const button = find("submit");
  button.disabled = busy;
  button.dataset.idle ??= button.textContent;
  button.textContent = busy ? button.dataset.busy : button.dataset.idle;
}

// The explanation comes after the answer, which need not wait for it.
async function explain(number) {
  const [state, panel] = ["state", "explanation"].map(find);
  const languages = document.querySelectorAll("nav button");
  const asked = new FormData(state);
  asked.set("open", number);
  panel.dataset.open = number;
  const response = await fetch(state.dataset.explanation, { method: "POST", body: asked });
  // where there is none, the button still leads to it; another face may have been asked for since
  if (!response.ok || panel.dataset.open !== number) return;
  panel.innerHTML = await response.text();
  for (const button of languages) [button.name, button.value] = ["open", number];
}

// A browser asks whether to send a form again where Back or Forward leads to its answer, and may store none of ours: they
// hold a picture. So answers are fetched, and what was shown stays in memory, by its place in the browser's history.
const shown = [];
let place = 0;
let asking = new AbortController();

async function send(event) {
  const { target: form, submitter } = event;
  event.preventDefault();
  asking.abort();
  const { signal } = (asking = new AbortController());
  if (form.id === "ask") {
    setBusy(true);
    // no event tells that the visitor has stopped waiting
    setTimeout(setBusy, LONGEST_WAIT, false);
  }
  const address = submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  try {
    const response = await fetch(address, { method: "POST", body: new FormData(form, submitter), signal });
    const text = await response.text();
    if (text) go(new DOMParser().parseFromString(text, "text/html"), address);
  } catch {
    // the browser says best why there is no answer
    if (!signal.aborted) form.submit();
  }
}

function go(page, address) {
  place += 1;
  shown.length = place; // what Forward led to is gone
  shown[place] = { title: page.title, lang: page.documentElement.lang, body: page.body };
  history.pushState({ place }, "", address);
  show();
  bind();
  window.scrollTo(0, 0);
  find("headline")?.focus({ preventScroll: true });
}

function show() {
  stopCamera();
  find("camera").hidden = true;
  setBusy(false);
  const { title, lang, body } = shown[place];
  [document.title, document.documentElement.lang] = [title, lang];
  document.body.replaceWith(body);
  take();
}

function take() {
  [drop, input, preview, video] = ["drop", "picture", "preview", "video"].map(find);
}

function bind() {
  const openers = [...document.querySelectorAll("button.open")];
  for (const opener of openers) {
    opener.addEventListener("click", async (event) => {
      event.preventDefault();
      await explain(opener.value);
      find("explanation").scrollIntoView({ behavior: "smooth" });
    });
  }
  if (openers.length && !find("explanation").dataset.open) explain(openers[0].value);
  for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
  find("open").hidden = !navigator.mediaDevices;
  input.addEventListener("change", showPreview);
  find("open").addEventListener("click", openCamera);
  find("close").addEventListener("click", closeCamera);
  find("snap").addEventListener("click", snap);
  for (const form of document.forms) form.addEventListener("submit", send);
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) choose(event.dataTransfer.files[0]);
    });
  }
}

shown[place] = { title: document.title, lang: document.documentElement.lang, body: document.body };
history.replaceState({ place }, "");
take();
bind();
// a browser may bring a choice of before back with the page
window.addEventListener("pageshow", showPreview);
window.addEventListener("popstate", ({ state }) => {
  // what was shown before the page was loaded anew is gone
  if (!state || state.place === place) return;
  if (!shown[state.place]) return location.reload();
  place = state.place;
  show();
});
window.addEventListener("hashchange", () => {
  if (!history.state) history.replaceState({ place }, "");
});
