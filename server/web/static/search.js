// What is typed into a search box, as a filter (docs/server.md 5): a text with an operator is one
// already; anything else is looked for in some fields.

const OPERATOR = /(==|!=|=(lt|le|gt|ge|in|out)=|[<>])/;

export const isFilter = (text) => OPERATOR.test(text);

// A text as a value of a filter: it means itself, whatever is in it.
export const quoted = (text) => `"${text.replace(/["\\*]/g, '\\$&')}"`;

export function asSearch(text, fields) {
  if (!text || isFilter(text)) return text;
  const pattern = `"*${text.replace(/["\\*]/g, '\\$&')}*"`;
  return fields.map((name) => `${name}==${pattern}`).join(',');
}
