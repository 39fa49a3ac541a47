// What the page can do besides: drag and drop, a preview, the camera. Everything else works without.
const find = (id) => document.getElementById(id);
const [form, drop, input, preview, video] = ["ask", "drop", "picture", "preview", "video"].map(find);
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
  const [state, place] = ["state", "explanation"].map(find);
  const asked = new FormData(state);
  asked.set("open", number);
  place.dataset.open = number;
  const response = await fetch(state.dataset.explanation, { method: "POST", body: asked });
  // where there is none, the button still leads to it; another face may have been asked for since
  if (!response.ok || place.dataset.open !== number) return;
  place.innerHTML = await response.text();
  for (const button of document.querySelectorAll("nav button")) [button.name, button.value] = ["open", number];
}

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
form.addEventListener("submit", () => {
  setBusy(true);
  // no event tells that the visitor has stopped waiting
  setTimeout(setBusy, LONGEST_WAIT, false);
});
// back from the answer, by the browser's button
window.addEventListener("pageshow", showPreview);
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) choose(event.dataTransfer.files[0]);
  });
}
