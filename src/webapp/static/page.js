// What the page can do besides: drag and drop, a preview, the camera. Everything else works without.
const find = (id) => document.getElementById(id);
const [form, drop, input, preview, video] = ["ask", "drop", "picture", "preview", "video"].map(find);

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
}

async function openCamera() {
  find("camera").hidden = false;
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    await video.play();
    showCamera(true);
    find("snap").focus();
  } catch {
    showCamera(false);
  }
}

function showCamera(works) {
  video.hidden = find("snap").hidden = !works;
  find("refused").hidden = works;
}

function closeCamera() {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
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

for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
find("open").hidden = !navigator.mediaDevices;
input.addEventListener("change", showPreview);
find("open").addEventListener("click", openCamera);
find("close").addEventListener("click", closeCamera);
find("snap").addEventListener("click", snap);
form.addEventListener("submit", () => setBusy(true));
// back from the answer, by the browser's button
window.addEventListener("pageshow", () => { setBusy(false); showPreview(); });
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) choose(event.dataTransfer.files[0]);
  });
}
