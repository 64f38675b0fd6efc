/** Between the extension and the page that draws. */
import type { ModelView } from '@hyb/compiler/inspect/model-view';
import type { Span } from '@hyb/grammar';

export type ToView =
  | { readonly kind: 'models'; readonly models: readonly ModelView[] }
  | { readonly kind: 'cursor'; readonly file: string; readonly offset: number };

export type FromView = { readonly kind: 'ready' } | { readonly kind: 'open'; readonly place: Span };
