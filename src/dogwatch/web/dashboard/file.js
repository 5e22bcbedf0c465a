// A file of this computer becomes the text of the form: chosen, or dropped upon it.
const text = document.getElementById("text"), load = document.getElementById("load");

async function take(file) {
  if (!file) return;
  text.value = await file.text();
  text.form.elements.name.value = file.name;
  text.focus();
}

load?.addEventListener("change", () => take(load.files[0]));
text?.addEventListener("dragover", (event) => event.preventDefault());
text?.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});
