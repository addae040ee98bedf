// Reads QR codes from a camera or a picture and tells the page what they say. Apart, since few who come need it.

import jsQR from "jsqr";

const SIDES = [1800, 1000, 2600, 600];
/** A code that fills the picture is found at some size: large ones need pixels, blurred ones fewer. */
const CAMERA_SIDE = 900;
const LOOK_MS = 120;

const section = document.getElementById("scan");
const video = document.getElementById("camera");
const canvas = document.createElement("canvas");

const tell = (detail) => section.dispatchEvent(new CustomEvent("scanned", { detail }));

/** What a code in a picture or video says, or null; the longer side becomes `side` pixels. */
function read(source, width, height, side) {
  const scale = side / Math.max(width, height);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  // White behind and around: a code may fill a picture to its edge, or be transparent.
  const [edgeX, edgeY] = [canvas.width * 0.04, canvas.height * 0.04];
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, edgeX, edgeY, canvas.width - 2 * edgeX, canvas.height - 2 * edgeY);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return jsQR(data, canvas.width, canvas.height, { inversionAttempts: "attemptBoth" })?.data ?? null;
}

async function readPicture(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    tell({ word: "picture" });
    return;
  }
  for (const side of SIDES) {
    const found = read(picture, picture.width, picture.height, side);
    if (found) {
      tell({ text: found });
      return;
    }
  }
  tell({ word: "no_qr" });
}

function stop() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  section.classList.remove("looking");
}

function look() {
  if (video.srcObject === null) return;
  const found = video.videoWidth ? read(video, video.videoWidth, video.videoHeight, CAMERA_SIDE) : null;
  if (found) {
    stop();
    tell({ text: found });
  } else setTimeout(look, LOOK_MS);
}

async function start() {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
    section.classList.add("looking");
    await video.play();
    look();
  } catch (error) {
    stop();
    tell({ word: "no_camera", values: { reason: error.name } });
  }
}

document.getElementById("start-camera").addEventListener("click", start);
document.getElementById("stop-camera").addEventListener("click", stop);
document.getElementById("picture").addEventListener("change", ({ target }) => {
  if (target.files.length) readPicture(target.files[0]);
  target.value = "";
});
section.hidden = false;
