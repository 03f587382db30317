// Tells the page around the frame that an import was run or reverted: a page of the origin of the session, and no other.
{
  const { origin, type, importId } = document.currentScript.dataset;
  if (parent !== window) {
    parent.postMessage({ type, import_id: importId }, origin);
  }
}
