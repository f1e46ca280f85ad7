'use strict';
(() => {
  const $ = id => document.getElementById(id);
  const form = $('filter'), count = $('count');
  const controls = ['text', 'area', 'level', 'shown'].map($);
  const rules = [...document.querySelectorAll('.rule')];
  let texts; // made at the first search, not when the page opens

  function filter() {
    const [text, area, level, shown] = controls.map(c => c.value);
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !texts) texts = rules.map(r => r.textContent.toLowerCase());
    let left = 0;
    rules.forEach((r, i) => {
      const d = r.dataset;
      const fits = (!area || d.area === area) && (!level || d.level === level) && (!shown || d.shown === shown)
        && words.every(w => texts[i].includes(w));
      r.hidden = !fits;
      left += fits;
    });
    count.textContent = `${left} of ${rules.length} rules`;
  }

  // A link to a rule or a program opens it, whatever the filter hides.
  function open() {
    let id = '';
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { /* not one of ours */ }
    const target = id && $(id);
    if (!target || target.tagName !== 'DETAILS') return;
    if (target.hidden) { form.reset(); filter(); }
    target.open = true;
    target.scrollIntoView();
    target.querySelector('summary').focus({ preventScroll: true });
  }

  document.querySelectorAll('.heat a').forEach(a => a.addEventListener('click', () => {
    form.reset();
    $('area').value = a.dataset.area;
    $('level').value = a.dataset.level;
    filter();
  }));
  form.addEventListener('input', filter);
  form.addEventListener('submit', e => e.preventDefault());
  form.addEventListener('reset', () => setTimeout(filter));
  addEventListener('hashchange', open);
  addEventListener('keydown', e => {
    if (e.key === '/' && !/INPUT|SELECT/.test(e.target.tagName)) {
      e.preventDefault();
      $('text').focus();
    } else if (e.key === 'Escape' && form.contains(e.target)) {
      form.reset();
    }
  });
  document.documentElement.classList.add('js');
  filter();
  open();
})();
