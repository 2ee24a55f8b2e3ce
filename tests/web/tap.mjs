// Tests one after the other, told as TAP.
let number = 0;
let failed = 0;

export async function test(name, run) {
  number += 1;
  try {
    await run();
    console.log(`ok ${number} console: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${number} console: ${name}`);
    for (const line of String(error.stack || error).split('\n').slice(0, 14)) console.log(`#   ${line}`);
  }
}

export function finish() {
  console.log(`1..${number}`);
  return failed === 0 ? 0 : 1;
}
