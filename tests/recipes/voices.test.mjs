// Node's own fetch and test runner: node --test
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleepFor } from 'node:timers/promises';

// The client.
export async function makeVoice(call, sample, sleep = (seconds) => sleepFor(seconds * 1000)) {
  const voices = '/v1/general/custom-voices';
  let task = await call(voices, { voice_name: 'Ada', voice_url: sample });
  while (!['succeed', 'failed'].includes(task.task_status)) {
    await sleep(3);
    task = await call(`${voices}/${task.task_id}`);
  }
  if (task.task_status === 'failed') throw new Error(task.task_status_msg);
  return task.task_result.voices[0].voice_id; // a string: as a number it would lose digits
}

export const client = (baseUrl, key) => async (path, body) => {
  const headers = { authorization: `Bearer ${key}` };
  const options = body && { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(baseUrl + path, { headers, ...options });
  const { code, message, data } = await answer.json();
  if (code !== 0) throw new Error(`${code} ${message}`);
  return data;
};

// The tests.
let mock, url;

before(async () => {
  mock = spawn('kling-mock', ['serve', '--json', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [ready] = await once(createInterface({ input: mock.stdout }), 'line');
  url = JSON.parse(ready).url;
});

after(async () => {
  mock.kill();
  await once(mock, 'exit');
});

// Each test has a key of its own, and with it an account and a clock of its own.
const advance = (key) => (seconds) =>
  fetch(`${url}/__mock__/clock/advance`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ by: seconds }),
  });

test('polls until the voice is there', async () => {
  const voice = await makeVoice(client(url, 'key-1'), 'https://example.com/ada.mp3', advance('key-1'));
  assert.match(voice, /^\d{18}$/);
});

test('says why there is no voice', async () => {
  const sample = 'https://example.com/mock-risk-control.mp3';
  await assert.rejects(makeVoice(client(url, 'key-2'), sample, advance('key-2')), /risk control/);
});
