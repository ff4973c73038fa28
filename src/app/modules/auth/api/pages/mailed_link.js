const form = document.querySelector("form");
const outcome = document.querySelector("[role=status]");
const token = new URLSearchParams(location.hash.slice(1)).get("token");

// Not in the history, and not on a screen that somebody else sees.
history.replaceState(null, "", location.pathname);
if (!token) {
  form.hidden = true;
  outcome.textContent = "There is no token in this link. Open the one in the mail.";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  form.inert = true;
  try {
    const answer = await fetch(form.dataset.consumedBy, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) }),
    });
    form.hidden = answer.ok;
    outcome.textContent = answer.ok ? form.dataset.done : reason(await answer.json());
  } catch {
    outcome.textContent = "The service cannot be reached. Try again.";
  }
  form.inert = false;
});

function reason(problem) {
  return problem.errors?.[0]?.detail ?? problem.detail;
}
